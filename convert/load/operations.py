"""Operations and functions of TensorFlow that compute from tensors alone: no file, no network, no code.

The operations are taken from TensorFlow 2.21's families of operations, without those that reach further
(``ImmutableConst`` maps a file, ``PrintV2`` may write one, ``DebugIdentity`` sends to an address) and without what no
classifier of pictures needs.
"""

from __future__ import annotations

_NAMES = """
    Abs AccumulateNV2 Acos Acosh Add AddN AddV2 All Angle Any ApproximateEqual ArgMax ArgMin Asin Asinh Atan
    Atan2 Atanh BatchMatMul BatchMatMulV2 BatchMatMulV3 Betainc Bincount Bucketize Cast Ceil ClipByValue Complex
    ComplexAbs Conj Cos Cosh Cross Cumprod Cumsum CumulativeLogsumexp DenseBincount Digamma Div DivNoNan Equal
    Erf Erfc Erfinv EuclideanNorm Exp Expm1 Floor FloorDiv FloorMod Greater GreaterEqual HistogramFixedWidth
    Igamma IgammaGradA Igammac Imag Inv InvGrad IsFinite IsInf IsNan Less LessEqual Lgamma LinSpace Log Log1p
    LogicalAnd LogicalNot LogicalOr MatMul Max Maximum Mean Min Minimum Mod Mul MulNoNan Ndtri Neg NextAfter
    NotEqual Polygamma Pow Prod Range Real RealDiv Reciprocal ReciprocalGrad Rint Round Rsqrt RsqrtGrad
    SegmentMax SegmentMaxV2 SegmentMean SegmentMin SegmentMinV2 SegmentProd SegmentProdV2 SegmentSum
    SegmentSumV2 Select SelectV2 Sigmoid SigmoidGrad Sign Sin Sinh Sqrt SqrtGrad Square SquaredDifference Sub
    Sum Tan Tanh TanhGrad TruncateDiv TruncateMod UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentProd
    UnsortedSegmentSum Xdivy Xlog1py Xlogy Zeta BitwiseAnd BitwiseOr BitwiseXor Invert LeftShift PopulationCount
    RightShift BesselI0 BesselI0e BesselI1 BesselI1e BesselJ0 BesselJ1 BesselK0 BesselK0e BesselK1 BesselK1e
    BesselY0 BesselY1 Dawsn Expint FresnelCos FresnelSin Spence
    ApproxTopK AvgPool AvgPoolGrad BatchNormWithGlobalNormalization BatchNormWithGlobalNormalizationGrad BiasAdd
    BiasAddGrad BiasAddV1 Conv Conv2D Conv2DBackpropFilter Conv2DBackpropFilterV2 Conv2DBackpropInput
    Conv2DBackpropInputV2 DataFormatDimMap DataFormatVecPermute DepthwiseConv2dNative
    DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput Dilation2D Dilation2DBackpropFilter
    Dilation2DBackpropInput Elu EluGrad FusedBatchNorm FusedBatchNormGrad FusedBatchNormGradV2
    FusedBatchNormGradV3 FusedBatchNormV2 FusedBatchNormV3 FusedPadConv2D FusedResizeAndPadConv2D InTopK
    InTopKV2 L2Loss LRN LRNGrad LeakyRelu LeakyReluGrad LogSoftmax MaxPool MaxPoolGrad MaxPoolGradV2
    MaxPoolGradWithArgmax MaxPoolV2 MaxPoolWithArgmax NthElement Relu Relu6 Relu6Grad ReluGrad Selu SeluGrad
    Softmax SoftmaxCrossEntropyWithLogits Softplus SoftplusGrad Softsign SoftsignGrad
    SparseSoftmaxCrossEntropyWithLogits TopK TopKV2
    BatchToSpace BatchToSpaceND Bitcast BroadcastArgs BroadcastGradientArgs BroadcastTo Concat ConcatOffset
    ConcatV2 ConjugateTranspose Const DepthToSpace Dequantize Diag DiagPart EnsureShape ExpandDims
    ExtractImagePatches ExtractVolumePatches FakeQuantWithMinMaxArgs FakeQuantWithMinMaxArgsGradient
    FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsGradient FakeQuantWithMinMaxVarsPerChannel
    FakeQuantWithMinMaxVarsPerChannelGradient Fill Gather GatherNd GatherV2 Identity IdentityN InvertPermutation
    ListDiff LowerBound MatrixBandPart MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2
    MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MirrorPad MirrorPadGrad OneHot OnesLike Pack Pad
    PadV2 ParallelConcat Placeholder PlaceholderV2 PlaceholderWithDefault PreventGradient QuantizeAndDequantize
    QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 QuantizeAndDequantizeV4Grad Rank
    Reshape Reverse ReverseSequence ReverseV2 ScatterNd ScatterNdNonAliasingAdd Shape ShapeN Size Slice Snapshot
    SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Squeeze StopGradient StridedSlice StridedSliceGrad
    TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate
    TensorStridedSliceUpdate Tile TileGrad Transpose Unique UniqueV2 UniqueWithCounts UniqueWithCountsV2 Unpack
    UnravelIndex UpperBound Where ZerosLike Empty CheckNumerics CheckNumericsV2
    AdjustContrast AdjustContrastv2 AdjustHue AdjustSaturation CombinedNonMaxSuppression CropAndResize
    CropAndResizeGradBoxes CropAndResizeGradImage ExtractGlimpse ExtractGlimpseV2 HSVToRGB
    ImageProjectiveTransformV2 ImageProjectiveTransformV3 NonMaxSuppression NonMaxSuppressionV2
    NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 NonMaxSuppressionWithOverlaps RGBToHSV
    ResizeArea ResizeBicubic ResizeBicubicGrad ResizeBilinear ResizeBilinearGrad ResizeNearestNeighbor
    ResizeNearestNeighborGrad ScaleAndTranslate ScaleAndTranslateGrad
    Einsum MatrixInverse MatrixDeterminant Cholesky
    ControlTrigger Enter Exit LoopCond Merge NextIteration NoOp Switch FakeParam For PartitionedCall
    StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile Case If While SymbolicGradient ToBool
    Assert
    EmptyTensorList TensorListConcat TensorListConcatLists TensorListConcatV2 TensorListElementShape
    TensorListFromTensor TensorListGather TensorListGetItem TensorListLength TensorListPopBack
    TensorListPushBack TensorListPushBackBatch TensorListReserve TensorListResize TensorListScatter
    TensorListScatterIntoExistingList TensorListScatterV2 TensorListSetItem TensorListSplit TensorListStack
    AssignAddVariableOp AssignSubVariableOp AssignVariableOp DestroyResourceOp DisableCopyOnRead ReadVariableOp
    ResourceGather ResourceGatherNd ResourceScatterAdd ResourceScatterDiv ResourceScatterMax ResourceScatterMin
    ResourceScatterMul ResourceScatterSub ResourceScatterUpdate VarHandleOp VarIsInitializedOp VariableShape
    RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt TruncatedNormal StatelessRandomUniform
    StatelessRandomNormal StatelessTruncatedNormal StatelessRandomUniformV2 StatelessRandomNormalV2
    StatelessTruncatedNormalV2 StatelessRandomGetKeyCounter StatelessRandomGetAlg
    StatelessRandomGetKeyCounterAlg StatelessRandomUniformInt StatelessRandomUniformIntV2
    AsString StringToNumber StringJoin StaticRegexFullMatch
"""

HARMLESS = frozenset(_NAMES.split())
"""Operations, by name."""

_MATH = """
    abs acos acosh add add_n argmax argmin asin asinh atan atan2 atanh ceil cos cosh count_nonzero cumprod
    cumsum cumulative_logsumexp divide divide_no_nan equal erf erfc exp expm1 floor floordiv floormod greater
    greater_equal is_finite is_inf is_nan l2_normalize less less_equal log log1p log_sigmoid log_softmax
    logical_and logical_not logical_or logical_xor maximum minimum mod multiply multiply_no_nan negative
    not_equal pow reciprocal reciprocal_no_nan reduce_all reduce_any reduce_euclidean_norm reduce_logsumexp
    reduce_max reduce_mean reduce_min reduce_prod reduce_std reduce_sum reduce_variance rint round rsqrt
    scalar_mul sigmoid sign sin sinh softmax softplus softsign sqrt square squared_difference subtract tan tanh
    top_k truediv xdivy xlog1py xlogy zero_fraction
"""
_NN = """
    atrous_conv2d atrous_conv2d_transpose avg_pool avg_pool1d avg_pool2d batch_normalization bias_add conv1d
    conv1d_transpose conv2d conv2d_transpose conv_transpose convolution crelu depth_to_space depthwise_conv2d
    depthwise_conv2d_native dilation2d elu erosion2d fused_batch_norm gelu l2_loss l2_normalize leaky_relu
    local_response_normalization log_softmax lrn max_pool max_pool1d max_pool2d moments normalize_moments pool
    relu relu6 relu_layer selu separable_conv2d sigmoid silu softmax softplus softsign space_to_batch
    space_to_depth swish tanh top_k weighted_moments zero_fraction
"""
_LINALG = """
    adjoint band_part cross det diag diag_part einsum eye inv l2_normalize matmul matrix_transpose matvec norm
    normalize set_diag tensor_diag tensor_diag_part tensordot trace
"""
_IMAGE = """
    central_crop crop_and_resize crop_to_bounding_box extract_patches flip_left_right flip_up_down
    grayscale_to_rgb pad_to_bounding_box per_image_standardization resize resize_area resize_bicubic
    resize_bilinear resize_image_with_pad resize_images resize_nearest_neighbor resize_with_crop_or_pad
    resize_with_pad rgb_to_grayscale rot90 transpose
"""
_OTHERS = """
    argsort batch_to_space boolean_mask broadcast_to cast clip_by_norm clip_by_value concat einsum ensure_shape
    expand_dims fill gather gather_nd identity linspace meshgrid norm one_hot ones ones_like pad range rank
    repeat reshape reverse roll searchsorted shape shape_n size slice sort space_to_batch space_to_batch_nd
    split squeeze stack stop_gradient strided_slice tensordot tile transpose unstack where zeros zeros_like
    __operators__.add __operators__.eq __operators__.ne
"""
SLICES = frozenset(
    {"__operators__.getitem", "__operators__.ragged_getitem", "boolean_mask", "compat.v1.boolean_mask"},
)
"""The functions that Keras 2 makes a SlicingOpLambda of."""

_V2 = frozenset({
    *(f"math.{name}" for name in _MATH.split()),
    *(f"nn.{name}" for name in _NN.split()),
    *(f"linalg.{name}" for name in _LINALG.split()),
    *(f"image.{name}" for name in _IMAGE.split()),
    *_OTHERS.split(),
})  # fmt: skip
FUNCTIONS = _V2 | {f"compat.v1.{name}" for name in _V2} | SLICES
"""Functions, by the names that Keras 2 gives them: those that networks call on tensors."""
