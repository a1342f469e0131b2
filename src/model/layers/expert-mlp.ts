/**
 * An MLP of which each token takes the k best of E experts, written over Ops, and in some models one more that all take. E experts of
 * intermediate size I; T = tokens of the step, H = hidden_size. Shazeer et al. 2017 (arXiv:1701.06538); the experts that all
 * take, DeepSeekMoE (arXiv:2401.06066).
 */
import type { ConsumerOption, GatedActivation, Linear, ModelOps, RouteSpec } from '../../kernels/ops.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { ExpertConfig } from '../expert-config.ts';
import { experts, lin, type ExpertsSpec, type FusedExperts, type LinSpec } from '../weights/spec.ts';
import { gatedMlp, linear } from './decoder-layer.ts';

export interface ExpertMlp {
  /** [E, H] */
  readonly router: Linear;
  /** [E·2·I, H]: of each expert gate and up stacked. */
  readonly gateUp: Linear;
  /** [E·H, I] */
  readonly down: Linear;
  readonly shared: SharedExpert | null;
}

/** What every token takes besides. */
export interface SharedExpert {
  /** [2·Is, H] */
  readonly gateUp: Linear;
  /** [H, Is] */
  readonly down: Linear;
  /** [1, H]: its sigmoid multiplies what the expert gives; null where nothing does. */
  readonly gate: Linear | null;
}

export type ExpertMlpWeights = {
  readonly router: LinSpec;
  readonly gateUp: ExpertsSpec;
  readonly down: ExpertsSpec;
  readonly shared: { readonly gateUp: LinSpec; readonly down: LinSpec; readonly gate: LinSpec | null } | null;
};

/** How an architecture's checkpoints name the tensors of such an MLP. */
export interface ExpertNames {
  readonly router: string;
  /** In front of the expert's number. */
  readonly experts: string;
  /** Behind it. */
  readonly gate: string;
  readonly up: string;
  readonly down: string;
  /** Names of the tensors that hold all experts at once. */
  readonly fusedGateUp: FusedExperts;
  readonly fusedDown: FusedExperts;
  /** In front of gate_proj, up_proj and down_proj of what all tokens take. */
  readonly shared?: string;
  readonly sharedGate?: string;
}

/** The names of most: `PREFIX.gate`, `PREFIX.experts.3.gate_proj`; transformers 5 calls its parameters `PREFIX.experts.gate_up_proj`. */
export function expertNames(prefix: string): ExpertNames {
  return {
    router: `${prefix}.gate`,
    experts: `${prefix}.experts`,
    ...{ gate: 'gate_proj', up: 'up_proj', down: 'down_proj' },
    fusedGateUp: { name: `${prefix}.experts.gate_up_proj` },
    fusedDown: { name: `${prefix}.experts.down_proj` },
  };
}

/** @param hiddenSize H */
export function expertMlpWeights(c: ExpertConfig, hiddenSize: number, names: ExpertNames): ExpertMlpWeights {
  const { count, size, sharedSize } = c;
  const shared = (part: string) => `${names.shared}.${part}`;
  return {
    router: lin({ [names.router]: count }, hiddenSize, { isRouter: true, bias: c.routerBias }),
    gateUp: experts(count, names.experts, { [names.gate]: size, [names.up]: size }, hiddenSize, names.fusedGateUp),
    down: experts(count, names.experts, { [names.down]: hiddenSize }, size, names.fusedDown),
    shared:
      sharedSize === 0 || names.shared === undefined
        ? null
        : {
            gateUp: lin({ [shared('gate_proj')]: sharedSize, [shared('up_proj')]: sharedSize }, hiddenSize),
            down: lin({ [shared('down_proj')]: hiddenSize }, sharedSize),
            gate:
              names.sharedGate === undefined ? null : lin({ [names.sharedGate]: 1 }, hiddenSize, { isRouter: true }),
          },
  };
}

/**
 * Σ weight · expert(x) of each token's experts (+ shared expert) (+ residual) → [T, H]
 * @param norm the norm in front, [T, H]: the router takes f32, the experts what their product wants
 */
export function expertMlp(
  ops: ModelOps,
  norm: (option?: ConsumerOption) => Tensor,
  { router, gateUp, down, shared }: ExpertMlp,
  { route, activation }: { readonly route: RouteSpec; readonly activation: GatedActivation },
  residual?: Tensor,
): Tensor {
  const x = norm();
  const routing = ops.named('mlp.hook_experts', ops.route(linear(ops, x, router), route));
  const gated = ops.expertMatmul(norm({ to: gateUp.weight }), gateUp.weight, routing, biasOf(gateUp));
  const active = ops.gatedMul(gated, activation, { to: down.weight });
  const given = ops.expertMatmul(ops.named('mlp.hook_post', active), down.weight, routing, biasOf(down));
  if (!shared) return ops.combine(given, routing, residual);
  const mlp = { ...shared, activation };
  const forAll = norm({ to: shared.gateUp.weight });
  if (!shared.gate) return ops.combine(given, routing, gatedMlp(ops, forAll, mlp, residual));
  const part = ops.sigmoidGate(gatedMlp(ops, forAll, mlp), linear(ops, x, shared.gate));
  return ops.combine(given, routing, residual ? ops.add(residual, part) : part);
}

function biasOf({ bias }: Linear): { readonly bias?: Tensor } {
  return bias ? { bias } : {};
}
