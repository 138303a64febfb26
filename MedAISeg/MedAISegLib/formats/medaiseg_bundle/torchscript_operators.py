"""What networks compute with: the names that TorchScript source may use.

None of these reads or writes files, prints, or speaks to another process. What does not hold the shapes of its tensors
against each other, their types, or the numbers in them against their lengths, and so looks at memory beyond them, is
left out: native_batch_norm, _weight_norm, lstm, _transformer_encoder_layer_fwd, fractional_max_pool.
"""

from __future__ import annotations

_ARITHMETIC = """
abs abs_ acos add add_ addcdiv addcdiv_ addcmul addcmul_ addmm asin atan atan2 baddbmm bmm ceil ceil_ clamp clamp_
clamp_max clamp_max_ clamp_min clamp_min_ cos cosh cumprod cumsum deg2rad div div_ dot einsum erf erfc exp exp_ exp2
expm1 floor floor_ floor_divide floordiv fmod frac inverse lerp linear log log10 log1p log2 logit logsumexp matmul
mean mm mul mul_ multiply mv neg neg_ norm outer pow pow_ reciprocal reciprocal_ remainder round round_ rsqrt rsqrt_
rsub sigmoid sigmoid_ sign sin sinh sqrt sqrt_ square std std_mean sub sub_ subtract sum tan tanh tanh_ trunc truediv
var var_mean linalg_norm linalg_vector_norm true_divide true_divide_ divide prod vdot clip clip_ absolute negative
positive sgn hypot logaddexp tensordot addmm_ baddbmm_ exp2_ log_ log1p_ sin_ cos_ square_ erf_ nansum nanmean quantile
count_nonzero aminmax
"""
_SPECTRA = """
fft_fft fft_ifft fft_fft2 fft_ifft2 fft_fftn fft_ifftn fft_rfft fft_irfft fft_rfft2 fft_irfft2 fft_rfftn fft_irfftn
fft_fftshift fft_ifftshift complex real imag conj resolve_conj view_as_complex view_as_real
"""
_LAYERS = """
_convolution _convolution_mode conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution
batch_norm instance_norm group_norm native_group_norm layer_norm native_layer_norm
local_response_norm rms_norm dropout dropout_ feature_dropout feature_dropout_ alpha_dropout feature_alpha_dropout
alpha_dropout_ feature_alpha_dropout_
relu relu_ relu6 relu6_ leaky_relu leaky_relu_ prelu _prelu_kernel elu elu_ selu selu_ celu celu_ gelu gelu_ silu
silu_ mish mish_ glu softplus softsign hardtanh hardtanh_ hardsigmoid hardsigmoid_ hardswish hardswish_ hardshrink
softshrink tanhshrink threshold threshold_ rrelu rrelu_ log_sigmoid softmax log_softmax _softmax _log_softmax softmin
max_pool1d max_pool2d max_pool3d max_pool2d_with_indices max_pool3d_with_indices avg_pool1d avg_pool2d avg_pool3d
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
adaptive_max_pool3d max_unpool2d max_unpool3d upsample_nearest1d upsample_nearest2d upsample_nearest3d
upsample_linear1d upsample_bilinear2d upsample_bicubic2d upsample_trilinear3d _upsample_bilinear2d_aa
_upsample_bicubic2d_aa _upsample_lanczos2d_aa _upsample_nearest_exact1d _upsample_nearest_exact2d
_upsample_nearest_exact3d pixel_shuffle pixel_unshuffle channel_shuffle grid_sampler grid_sampler_2d grid_sampler_3d
affine_grid_generator scaled_dot_product_attention embedding pad constant_pad_nd reflection_pad1d reflection_pad2d
reflection_pad3d replication_pad1d replication_pad2d replication_pad3d gru cosine_similarity
bilinear mse_loss l1_loss smooth_l1_loss huber_loss kl_div binary_cross_entropy binary_cross_entropy_with_logits
"""
_SHAPES = """
__getitem__ _set_item argmax argmin sort topk amax amin aminmax all any max min maximum minimum median where
masked_fill masked_fill_ masked_select masked_scatter eq ne lt le gt ge logical_and logical_or logical_not logical_xor
bitwise_and bitwise_or bitwise_not __and__ __or__ __xor__ isnan isinf isfinite nan_to_num nan_to_num_ equal cat concat
chunk clone contiguous copy copy_ detach expand expand_as flatten flip unflatten gather scatter scatter_ scatter_add
scatter_add_ index index_put index_put_ index_select narrow movedim moveaxis permute repeat repeat_interleave reshape
reshape_as view view_as roll rot90 select slice split split_with_sizes squeeze squeeze_ stack swapaxes t tile
transpose transpose_ tril triu tril_ triu_ unbind unfold unsqueeze unsqueeze_ unsafe_chunk unsafe_split im2col col2im
meshgrid hstack vstack dstack broadcast_to broadcast_tensors tensor_split diagonal diag_embed swapdims swapaxes_
ravel fliplr flipud take_along_dim slice_scatter select_scatter unsafe_split_with_sizes __iand__ __ior__ __ixor__
bitwise_xor greater greater_equal less less_equal not_equal isclose masked_scatter_
"""
_MAKING = """
arange empty empty_like eye fill fill_ full full_like linspace new_empty new_full new_ones new_zeros ones ones_like
rand rand_like randn randn_like scalar_tensor tensor zero_ zeros zeros_like one_hot bernoulli bernoulli_ uniform_
normal_ as_tensor
"""
_FACTS = """
Bool Float Int ScalarImplicit FloatImplicit IntImplicit bool device dtype dim item numel size is_floating_point
is_complex is_cuda is_contiguous ndimension requires_grad layout to type_as float double half long int cpu
requires_grad_ cuda _cast_Float detach_ sym_size numpy_T T
"""
_LANGUAGE = """
__is__ __isnot__ __not__ __contains__ __range_length __derive_index __round_to_zero_floordiv __lshift__ __rshift__
append extend insert pop clear copy keys values items get index count format len list dict str join lower upper
startswith endswith strip split splitlines replace find percentFormat mod add_ list_with_default warn ord reverse
sorted slice __interpolate check_uniform_size _assert AttributeError ValueError NotImplementedError RuntimeError
__torch__ jit annotate set_grad_enabled is_scripting gcd
"""

OPERATORS = frozenset(
    name for group in (_ARITHMETIC, _SPECTRA, _LAYERS, _SHAPES, _MAKING, _FACTS, _LANGUAGE) for name in group.split()
)
"""Operators (``torch.NAME``, or methods of a tensor, list, text or mapping)."""

_PRIMITIVES = """
NumToTensor RaiseException ImplicitTensorToNum TupleUnpack TupleIndex TupleConstruct ListUnpack ListConstruct
DictConstruct unchecked_cast Uninitialized data dtype device layout is_cuda requires_grad shape itemsize max min abs
isinstance unchecked_unwrap_optional unwrap_optional type StringIndex EnumValue EnumName IfThenElse tolist
"""
PRIMITIVES = frozenset(_PRIMITIVES.split())
"""What ``ops.prim.NAME`` may be."""

_BUILTINS = """
annotate int float bool str complex isinstance uninitialized unchecked_cast unchecked_unwrap_optional range len min
max abs round list tuple dict sorted zip enumerate sum all any slice super divmod
"""
BUILTINS = frozenset(_BUILTINS.split())
"""Functions that are called by their bare name."""
