/**
 * How much memory an adapter has: WebGPU does not say. On a software adapter it is the host's; else what the driver's own
 * tools say; else null, and it has to be tried (probe-memory.ts).
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { join } from 'node:path';

export interface DeviceMemory {
  /** Bytes that may be used. */
  readonly bytes: number;
  /** Who says so, for whoever reads the plan. */
  readonly source: string;
}

export type AdapterName = Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description'>;

/** Where it is looked for; tests have their own. */
export interface MemorySources {
  /** What `nvidia-smi` prints for the query below; null where there is none. */
  readonly nvidiaSmi: () => string | null;
  /** Holds `card0/device/…` (Linux). */
  readonly drm: string;
  readonly platform: NodeJS.Platform;
  readonly hostTotal: number;
  readonly hostFree: number;
}

/** Of memory that a GPU shares with the host: Metal's own recommendation is near it, and so are Linux's limits. */
const SHARED = { apple: 0.7, intel: 0.5 } as const;

export function detectMemory(adapter: AdapterName, sources: MemorySources = theseSources()): DeviceMemory | null {
  const { vendor, architecture, device, description } = adapter;
  const names = `${vendor} ${architecture} ${device} ${description}`.toLowerCase();
  if (/llvmpipe|swiftshader|\bwarp\b|basic render/.test(names)) {
    return { bytes: sources.hostFree, source: 'free memory of the host' };
  }
  if (names.includes('nvidia')) return nvidia(names, sources.nvidiaSmi());
  if (names.includes('apple') || sources.platform === 'darwin') {
    return { bytes: sources.hostTotal * SHARED.apple, source: `${SHARED.apple} of the memory that GPU and host share` };
  }
  if (/\bamd\b|radeon|advanced micro/.test(names)) return own(sources.drm, '0x1002', 'device/mem_info_vram_total');
  if (!names.includes('intel')) return null;
  const arc = own(sources.drm, '0x8086', 'lmem_total_bytes');
  return (
    arc ?? { bytes: sources.hostTotal * SHARED.intel, source: `${SHARED.intel} of the memory that GPU and host share` }
  );
}

function theseSources(): MemorySources {
  return {
    nvidiaSmi,
    drm: '/sys/class/drm',
    platform: process.platform,
    hostTotal: totalmem(),
    hostFree: freemem(),
  };
}

function nvidiaSmi(): string | null {
  const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8', timeout: 10_000 });
  return status === 0 ? stdout : null;
}

/** Lines of `NVIDIA H100 80GB HBM3, 81559` (MiB); of several cards the adapter's, of those that are alike the smallest. */
function nvidia(names: string, listing: string | null): DeviceMemory | null {
  const cards = [...(listing ?? '').matchAll(/^(.+), (\d+)\s*$/gm)].map(([, name, mib]) => ({
    name: name.toLowerCase().replace(/^nvidia /, ''),
    bytes: Number(mib) * 2 ** 20,
  }));
  const named = cards.filter(({ name }) => names.includes(name));
  return smallest(
    (named.length > 0 ? named : cards).map(({ bytes }) => bytes),
    'nvidia-smi',
  );
}

/** Memory of a vendor's cards, as its kernel driver tells. */
function own(drm: string, vendorId: string, file: string): DeviceMemory | null {
  const sizes = list(drm)
    .filter((card) => /^card\d+$/.test(card) && read(join(drm, card, 'device/vendor')) === vendorId)
    .map((card) => Number(read(join(drm, card, file))))
    .filter((bytes) => bytes > 0);
  return smallest(sizes, `${drm}/*/${file}`);
}

function smallest(sizes: readonly number[], source: string): DeviceMemory | null {
  return sizes.length === 0 ? null : { bytes: Math.min(...sizes), source };
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
