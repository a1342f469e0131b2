/** Checkpoints of PyTorch's own format (`pytorch_model.bin`, or shards of it): pickles, which only Python reads. */
import { EngineError, oneLine } from '../../errors.ts';

/** `weights_only`: a pickle may hold code, which is not run. Tensors that share memory (tied heads) are written apart. */
const convert = [
  'import glob, torch',
  'from safetensors.torch import save_file',
  `save_file({k: v.contiguous().clone() for f in glob.glob('pytorch_model*.bin') for k, v in torch.load(f, map_location='cpu', weights_only=True).items()}, 'model.safetensors', {'format': 'pt'})`,
].join('; ');

export function isPickled(name: string): boolean {
  return /^pytorch_model.*\.bin$/.test(name);
}

/** Names the command that makes `model.safetensors` of them, in the types that they are stored in. */
export function pickledCheckpoint(directory: string, name: string): EngineError {
  const quoted = `'${oneLine(directory).replaceAll("'", String.raw`'\''`)}'`;
  return new EngineError(
    'model_not_readable',
    `${directory}: holds ${oneLine(name)} but no safetensors; convert it (torch and safetensors of Python): cd ${quoted} && python -c "${convert}"`,
  );
}
