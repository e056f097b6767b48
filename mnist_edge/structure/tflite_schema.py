"""The tables of TensorFlow Lite's file format, as `flatbuffer.layout` takes them.

Names, order and numbers are those of the format's public schema, version 3, in the state that
TensorFlow 2.21 has; fields and numbers are only ever added at an end. A table that is not here is
found to lie within the file, and its fields are not read: tables without fields, and those of
features that `tflite` refuses.
"""

TABLES = {
    "Model": (
        "version:u32 operator_codes:[OperatorCode] subgraphs:[SubGraph] description:string "
        "buffers:[Buffer] metadata_buffer:[i32] metadata:[Metadata] "
        "signature_defs:[SignatureDef] external_buffer_groups:[ExternalBufferGroup] "
        "external_buffers:[ExternalBuffer]"
    ),
    "OperatorCode": "deprecated_builtin_code:i8 custom_code:string version:i32=1 builtin_code:i32",
    "SubGraph": (
        "tensors:[Tensor] inputs:[i32] outputs:[i32] operators:[Operator] name:string "
        "debug_metadata_index:i32=-1"
    ),
    "Tensor": (
        "shape:[i32] type:i8 buffer:u32 name:string quantization:QuantizationParameters "
        "is_variable:bool sparsity:SparsityParameters shape_signature:[i32] has_rank:bool "
        "variant_tensors:[VariantSubType] external_buffer:u32"
    ),
    "QuantizationParameters": (
        "min:[f32] max:[f32] scale:[f32] zero_point:[i64] details_type:u8 details:union "
        "quantized_dimension:i32"
    ),
    "details 2": "scales:i32 zero_points:i32 block_size:i32",
    "details 1": "custom:bytes",
    "Operator": (
        "opcode_index:u32 inputs:[i32] outputs:[i32] builtin_options_type:u8 "
        "builtin_options:union custom_options:bytes custom_options_format:i8 "
        "mutating_variable_inputs:[bool] intermediates:[i32] large_custom_options_offset:u64 "
        "large_custom_options_size:u64 builtin_options2_type:u8 builtin_options2:union "
        "debug_metadata_index:i32=-1"
    ),
    "Buffer": "data:bytes offset:u64 size:u64",
    "ExternalBuffer": "id:u32 group:u32 offset:u64 length:u64 packing:string",
    "Metadata": "name:string buffer:u32",
    "SignatureDef": (
        "inputs:[TensorMap] outputs:[TensorMap] signature_key:string subgraph_index:u32"
    ),
    "TensorMap": "name:string tensor_index:u32",
    # What an operator is set to, by the number of its union.
    "builtin_options 1": (
        "padding:i8 stride_w:i32 stride_h:i32 fused_activation_function:i8 "
        "dilation_w_factor:i32=1 dilation_h_factor:i32=1 quantized_bias_type:i8"
    ),
    "builtin_options 2": (
        "padding:i8 stride_w:i32 stride_h:i32 depth_multiplier:i32 "
        "fused_activation_function:i8 dilation_w_factor:i32=1 dilation_h_factor:i32=1"
    ),
    "builtin_options 3": (
        "num_channels:i32 num_columns_per_channel:[i32] embedding_dim_per_channel:[i32]"
    ),
    "builtin_options 4": "type:i8",
    "builtin_options 5": (
        "padding:i8 stride_w:i32 stride_h:i32 filter_width:i32 filter_height:i32 "
        "fused_activation_function:i8"
    ),
    "builtin_options 6": "rank:i32 fused_activation_function:i8 asymmetric_quantize_inputs:bool",
    "builtin_options 7": "fused_activation_function:i8 asymmetric_quantize_inputs:bool",
    "builtin_options 8": (
        "fused_activation_function:i8 weights_format:i8 keep_num_dims:bool "
        "asymmetric_quantize_inputs:bool quantized_bias_type:i8"
    ),
    "builtin_options 9": "beta:f32",
    "builtin_options 10": "axis:i32 fused_activation_function:i8",
    "builtin_options 11": "fused_activation_function:i8 pot_scale_int16:bool=1",
    "builtin_options 12": "fused_activation_function:i8",
    "builtin_options 13": "radius:i32 bias:f32 alpha:f32 beta:f32",
    "builtin_options 14": (
        "fused_activation_function:i8 cell_clip:f32 proj_clip:f32 kernel_type:i8 "
        "asymmetric_quantize_inputs:bool"
    ),
    "builtin_options 15": "align_corners:bool half_pixel_centers:bool",
    "builtin_options 16": "subgraph:u32",
    "builtin_options 17": "new_shape:[i32]",
    "builtin_options 18": "ngram_size:i32 max_skip_size:i32 include_all_ngrams:bool",
    "builtin_options 19": "block_size:i32",
    "builtin_options 20": "combiner:i8",
    "builtin_options 21": "fused_activation_function:i8",
    "builtin_options 23": "axis:i32 batch_dims:i32",
    "builtin_options 27": "keep_dims:bool",
    "builtin_options 28": "fused_activation_function:i8 pot_scale_int16:bool=1",
    "builtin_options 29": "fused_activation_function:i8",
    "builtin_options 30": "squeeze_dims:[i32]",
    "builtin_options 31": (
        "time_major:bool fused_activation_function:i8 asymmetric_quantize_inputs:bool"
    ),
    "builtin_options 32": (
        "begin_mask:i32 end_mask:i32 ellipsis_mask:i32 new_axis_mask:i32 shrink_axis_mask:i32 "
        "offset:bool"
    ),
    "builtin_options 35": "num_splits:i32",
    "builtin_options 37": "in_data_type:i8 out_data_type:i8",
    "builtin_options 40": "output_type:i8",
    "builtin_options 49": (
        "padding:i8 stride_w:i32 stride_h:i32 fused_activation_function:i8 quantized_bias_type:i8"
    ),
    "builtin_options 50": "validate_indices:bool",
    "builtin_options 55": "out_type:i8",
    "builtin_options 57": "output_type:i8",
    "builtin_options 58": "min:f32 max:f32 num_bits:i32 narrow_range:bool",
    "builtin_options 59": "values_count:i32 axis:i32",
    "builtin_options 61": "axis:i32",
    "builtin_options 64": "num:i32 axis:i32",
    "builtin_options 69": (
        "fused_activation_function:i8 cell_clip:f32 proj_clip:f32 merge_outputs:bool "
        "time_major:bool=1 asymmetric_quantize_inputs:bool"
    ),
    "builtin_options 70": (
        "time_major:bool fused_activation_function:i8 merge_outputs:bool "
        "asymmetric_quantize_inputs:bool"
    ),
    "builtin_options 71": (
        "fused_activation_function:i8 cell_clip:f32 proj_clip:f32 time_major:bool "
        "asymmetric_quantize_inputs:bool diagonal_recurrent_tensors:bool"
    ),
    "builtin_options 74": "align_corners:bool half_pixel_centers:bool",
    "builtin_options 75": "alpha:f32",
    "builtin_options 77": "mode:i8",
    "builtin_options 79": "num_splits:i32",
    "builtin_options 80": "idx_out_type:i8=2",
    "builtin_options 87": "seq_dim:i32 batch_dim:i32",
    "builtin_options 92": "then_subgraph_index:i32 else_subgraph_index:i32",
    "builtin_options 93": "cond_subgraph_index:i32 body_subgraph_index:i32",
    "builtin_options 94": "block_size:i32",
    "builtin_options 101": "adj_x:bool adj_y:bool asymmetric_quantize_inputs:bool",
    "builtin_options 102": "exclusive:bool reverse:bool",
    "builtin_options 103": "init_subgraph_index:i32",
    "builtin_options 106": (
        "padding:i8 stride_d:i32 stride_w:i32 stride_h:i32 fused_activation_function:i8 "
        "dilation_d_factor:i32=1 dilation_w_factor:i32=1 dilation_h_factor:i32=1"
    ),
    "builtin_options 107": "table_id:i32 key_dtype:i8 value_dtype:i8",
    "builtin_options 111": "container:string shared_name:string",
    "builtin_options 114": "seed:i64 seed2:i64",
    "builtin_options 115": "boundaries:[f32]",
    "builtin_options 116": "approximate:bool",
}

# By number.
TYPES = (  # noqa: SIM905 - as text it can be read
    "float32 float16 int32 uint8 int64 string bool int16 complex64 int8 float64 complex128 uint64 "
    "resource variant uint32 uint16 int4 bfloat16 int2 uint4"
).split()
OPERATORS = (  # noqa: SIM905
    "ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE "
    "EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D "
    "LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 "
    "RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS "
    "SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER "
    "BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE "
    "UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT "
    "LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG "
    "PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE "
    "EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD "
    "REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV "
    "REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU "
    "SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE "
    "RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE "
    "NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM "
    "BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D "
    "IMAG REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL "
    "CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS "
    "RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE "
    "RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2 "
    "UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD "
    "STABLEHLO_DIVIDE STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP "
    "STABLEHLO_CONCATENATE STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE "
    "STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE "
    "STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM STABLEHLO_NEGATE "
    "STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT STABLEHLO_SELECT "
    "STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT "
    "STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA "
    "STABLEHLO_DOT_GENERAL STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE "
    "STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW "
    "STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE"
).split()
