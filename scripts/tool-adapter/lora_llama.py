"""A Llama model with LoRA on its upper layers, written for training on a processor core, faster than transformers with peft
(docs/tool-adapter.md). `python train.py --check` holds its loss and gradients to theirs.

A projection and its adapter are one matrix product with W + scale·B·A, put together once a step; the gradients of A and B come
from the low-rank products alone. Projections that read the same input are one product (q, k, v; gate, up), their A one parameter.
Attention is that of a prefix that all conversations see and of each conversation with itself.
"""

import torch
from torch.nn.functional import scaled_dot_product_attention as attend

GROUPS = {"qkv": ["q_proj", "k_proj", "v_proj"], "o": ["o_proj"], "gate_up": ["gate_proj", "up_proj"], "down": ["down_proj"]}
INSIDE = {**{p: "self_attn" for p in ["q_proj", "k_proj", "v_proj", "o_proj"]}, **{p: "mlp" for p in ["gate_proj", "up_proj", "down_proj"]}}


class Adapted(torch.autograd.Function):
    """x [T, in], merged W [out, in], A [n·rank, in], B per projection [out_i, rank] → [T, out]."""

    @staticmethod
    def forward(ctx, x, merged, scale, a, *bs):
        ctx.save_for_backward(x, merged, a, *bs)
        ctx.scale = scale
        return x @ merged.T

    @staticmethod
    def backward(ctx, g):
        x, merged, a, *bs = ctx.saved_tensors
        rank = bs[0].shape[1]
        g_of = g.split([b.shape[0] for b in bs], 1)
        h = (x @ a.T) * ctx.scale
        g_b = [part.T @ h[:, i * rank : (i + 1) * rank] for i, part in enumerate(g_of)]
        back = torch.cat([part @ b for part, b in zip(g_of, bs)], 1) * ctx.scale
        return g @ merged, None, None, back.T @ x, *g_b


class RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, eps):
        inverse = torch.linalg.vector_norm(x, dim=1, keepdim=True).square_().div_(x.shape[1]).add_(eps).rsqrt_()
        out = (x * inverse).mul_(weight)
        ctx.save_for_backward(x, weight, inverse)
        return out

    @staticmethod
    def backward(ctx, g):
        x, weight, inverse = ctx.saved_tensors
        g = g * weight
        dot = (g * x).sum(1, keepdim=True).mul_(inverse * inverse * inverse).div_(x.shape[1])
        return g.mul_(inverse).sub_(x * dot), None, None


class Gated(torch.autograd.Function):
    """[T, 2F] → silu(gate)·up [T, F]."""

    @staticmethod
    def forward(ctx, both):
        ctx.save_for_backward(both)
        gate, up = both.chunk(2, 1)
        return torch.nn.functional.silu(gate).mul_(up)

    @staticmethod
    def backward(ctx, g):
        gate, up = ctx.saved_tensors[0].chunk(2, 1)
        s = torch.sigmoid(gate)
        out = torch.empty_like(ctx.saved_tensors[0])
        g_gate, g_up = out.chunk(2, 1)
        torch.mul(gate, s, out=g_up)
        # d silu = s + silu·(1 - s)
        g_gate.copy_(s.neg().add_(1).mul_(g_up).add_(s)).mul_(up).mul_(g)
        g_up.mul_(g)
        return out


def rotate(x, cos, sin):
    """x [T, heads, D], halves paired as in transformers; cos and sin [T, 1, D/2]."""
    a, b = x.chunk(2, 2)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], 2)


class Rotary(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, cos, sin):
        ctx.save_for_backward(cos, sin)
        return rotate(x, cos, sin)

    @staticmethod
    def backward(ctx, g):
        cos, sin = ctx.saved_tensors
        return rotate(g, cos, -sin), None, None


class Weighted(torch.autograd.Function):
    """Logits [n, vocabulary], tokens [n], weights [n] → weighted mean of -log p. The logits become their exponentials."""

    @staticmethod
    def forward(ctx, logits, wanted, weight):
        highest = logits.amax(1, keepdim=True)
        picked = logits.gather(1, wanted[:, None]) - highest
        sums = logits.sub_(highest).exp_().sum(1, keepdim=True)
        ctx.save_for_backward(logits, wanted, weight, sums)
        return ((sums.log() - picked)[:, 0] * weight).sum() / weight.sum()

    @staticmethod
    def backward(ctx, g):
        exponentials, wanted, weight, sums = ctx.saved_tensors
        share = (weight / weight.sum() * g)[:, None]
        grad = exponentials.mul_(share / sums)
        return grad.scatter_add_(1, wanted[:, None], -share), None, None


class Shape:
    """Where a step's conversations lie: `prefix` tokens, which all see, then conversations of `sizes` tokens."""

    def __init__(self, prefix, sizes, shared):
        """`shared`: query heads of one key head; they are rows of one matrix here, so that keys are not copied for each."""
        self.sizes, self.shared = [prefix, *sizes], shared
        seen = lambda n, before: torch.zeros(n, before + n).masked_fill_(~torch.ones(n, before + n, dtype=torch.bool).tril(before), -1e30)
        self.masks = [seen(n, prefix if i else 0).repeat(shared, 1) for i, n in enumerate(self.sizes)]

    def attention(self, q, k, v):
        """q [T, heads, D], k and v [T, kv heads, D] → [T, heads·D]."""
        out, kv, size = [], k.shape[1], k.shape[2]
        first = None
        for qi, ki, vi, mask in zip(q.split(self.sizes), k.split(self.sizes), v.split(self.sizes), self.masks):
            n = len(qi)
            rows = qi.view(n, kv, self.shared, size).permute(1, 2, 0, 3).reshape(1, kv, self.shared * n, size)
            ki, vi = ki.transpose(0, 1)[None], vi.transpose(0, 1)[None]
            if first is None:
                first = ki, vi
            else:
                ki, vi = torch.cat([first[0], ki], 2), torch.cat([first[1], vi], 2)
            made = attend(rows, ki, vi, attn_mask=mask)
            out.append(made.view(kv, self.shared, n, size).permute(2, 0, 1, 3).reshape(n, -1))
        return torch.cat(out)


class LoraLlama:
    """Of a transformers model; adapters in `layers`, everything else as it is."""

    def __init__(self, model, rank, alpha, layers):
        config = model.config
        self.scale, self.rank, self.eps = alpha / rank, rank, config.rms_norm_eps
        self.heads, self.kv_heads = config.num_attention_heads, config.num_key_value_heads
        self.shared = self.heads // self.kv_heads
        self.head_dim = config.hidden_size // self.heads
        theta = getattr(config, "rope_theta", None) or config.rope_parameters["rope_theta"]
        self.frequencies = 1 / theta ** (torch.arange(0, self.head_dim, 2).float() / self.head_dim)
        self.embedding, self.norm, self.head = model.model.embed_tokens.weight, model.model.norm.weight, model.lm_head.weight
        self.layers = []
        for i, layer in enumerate(model.model.layers):
            of = lambda p: getattr(getattr(layer, INSIDE[p]), p).weight
            base = {g: torch.cat([of(p) for p in ps]).detach() for g, ps in GROUPS.items()}
            a, b = {}, {}
            if i in layers:
                for g, ps in GROUPS.items():
                    a[g] = (torch.empty(len(ps) * rank, base[g].shape[1]).uniform_(-1, 1) * base[g].shape[1] ** -0.5).requires_grad_()
                    b[g] = [torch.zeros(of(p).shape[0], rank, requires_grad=True) for p in ps]
            norms = layer.input_layernorm.weight, layer.post_attention_layernorm.weight
            self.layers.append((base, a, b, norms))

    def parameters(self):
        """(all A, all B)."""
        return [t for _, a, _, _ in self.layers for t in a.values()], [t for _, _, b, _ in self.layers for ts in b.values() for t in ts]

    def named(self, of=lambda parameter: parameter):
        """(name as peft writes it, tensor): views of the parameters, or of what `of` makes of each, as its gradient."""
        for i, (_, a, b, _) in enumerate(self.layers):
            for g in a:
                for n, p in enumerate(GROUPS[g]):
                    name = f"base_model.model.model.layers.{i}.{INSIDE[p]}.{p}"
                    yield f"{name}.lora_A.weight", of(a[g])[n * self.rank : (n + 1) * self.rank]
                    yield f"{name}.lora_B.weight", of(b[g][n])

    def project(self, x, layer, group):
        base, a, b, _ = layer
        if not a:
            return x @ base[group].T
        with torch.no_grad():
            merged = torch.cat([bi @ ai for bi, ai in zip(b[group], a[group].split(self.rank))]).mul_(self.scale).add_(base[group])
        return Adapted.apply(x, merged, self.scale, a[group], *b[group])

    def layer(self, x, layer, shape, cos, sin):
        heads, kv, size = self.heads, self.kv_heads, self.head_dim
        first, second = layer[3]
        qkv = self.project(RMSNorm.apply(x, first, self.eps), layer, "qkv").view(len(x), -1, size)
        straight, v = qkv.split([heads + kv, kv], 1)
        q, k = Rotary.apply(straight, cos, sin).split([heads, kv], 1)
        x = x + self.project(shape.attention(q.contiguous(), k, v), layer, "o")
        gated = Gated.apply(self.project(RMSNorm.apply(x, second, self.eps), layer, "gate_up"))
        return x + self.project(gated, layer, "down")

    def logits(self, ids, positions, shape, at):
        """ids and positions [T] → logits at the places `at`, [n, vocabulary]."""
        angles = positions[:, None].float() * self.frequencies
        cos, sin = angles.cos()[:, None], angles.sin()[:, None]
        x = self.embedding[ids]
        for layer in self.layers:
            x = self.layer(x, layer, shape, cos, sin)
        return RMSNorm.apply(x[at], self.norm, self.eps) @ self.head.T
