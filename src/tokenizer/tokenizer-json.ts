/**
 * The parts of Hugging Face's tokenizer.json that this folder looks into, and what a tokenizer is built from.
 * Source: the serialization of https://github.com/huggingface/tokenizers.
 */

/** One `added_tokens` entry: matched whole in the text before anything else. `special` ones are hidden from output. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  readonly normalized: boolean;
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
}

/** A normalizer, pre-tokenizer, decoder or post-processor: `type` and what that type needs. */
export interface Component {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface TokenizerJson {
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: Component | null;
  readonly pre_tokenizer: Component | null;
  readonly post_processor: Component | null;
  readonly decoder: Component | null;
  readonly model: { readonly type: string; readonly vocab: unknown; readonly [key: string]: unknown };
}

/** Everything about a model's text side, wherever it was read from. */
export interface TokenizerSource {
  readonly json: TokenizerJson;
  readonly bosTokenId: number | null;
  readonly eosTokenIds: readonly number[];
  readonly chatTemplate: string | null;
  /** A second template that the model brings for requests with tools (`tool_use`). */
  readonly toolUseTemplate: string | null;
  /** bos_token, eos_token, pad_token, unk_token … by their tokenizer_config.json names. */
  readonly specialTokens: Readonly<Record<string, string>>;
}

/** A pre-tokenizer or decoder as a flat list: the members of a `Sequence`, or the one component, or none. */
export function flatten(component: Component | null, members: 'pretokenizers' | 'decoders'): Component[] {
  if (!component) return [];
  if (component.type !== 'Sequence') return [component];
  return (component[members] as Component[]).flatMap((member) => flatten(member, members));
}

/** `<bos> text <eos>` as a post-processor; null when nothing is added. */
export function bosEosTemplate(bos: string | null, eos: string | null): Component | null {
  const special = (token: string | null) => (token === null ? [] : [{ SpecialToken: { id: token, type_id: 0 } }]);
  if (bos === null && eos === null) return null;
  const single = [...special(bos), { Sequence: { id: 'A', type_id: 0 } }, ...special(eos)];
  return { type: 'TemplateProcessing', single, pair: single };
}
