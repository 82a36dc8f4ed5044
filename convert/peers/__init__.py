"""Others' models: what is known of them, and their networks built anew to be measured beside ours."""
