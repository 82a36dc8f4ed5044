"""Architectures: one file each, a frozen configuration and a function that builds it."""

from train.networks.resnet import ResNetConfig, resnet

__all__ = ["ResNetConfig", "resnet"]
