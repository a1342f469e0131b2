/** `dawnlight doctor`: what this machine has, and what to do about each problem. */
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { dawnlightHome } from '../../home.ts';
import { defaultModelPath, modelsDirectory } from '../pull/cache.ts';
import { defaultModelSpec } from '../pull/default-model.ts';
import { matches } from '../pull/fetch-file.ts';
import { askAdapter, type AdapterAnswer } from './adapter-report.ts';
import { planFindings } from './plan-findings.ts';
import { formatBytes, formatFindings, type Finding } from './report.ts';
import { readOsRelease, vulkanInstallPlan, vulkanManifests } from './vulkan-driver.ts';

interface DoctorOptions {
  /** Default: `DAWNLIGHT_HOME` or the user's cache. */
  readonly home?: string;
  readonly write?: (text: string) => void;
}

/** Prints the report. The exit code: 0, or 1 when something keeps the default model from being served. */
export async function doctor(options: DoctorOptions = {}): Promise<number> {
  const home = options.home ?? dawnlightHome();
  const answer = await askAdapter();
  const findings = [
    nodeFinding(process.versions.node),
    ...adapterFindings(answer),
    ...driverFindings(),
    ...memoryFindings(),
    ...(await cacheFindings(home)),
    ...planFindings(defaultModelPath(home), answer),
  ];
  const write = options.write ?? ((text) => void process.stdout.write(text));
  write(formatFindings(findings));
  return findings.some(({ state }) => state === 'bad') ? 1 : 0;
}

export function nodeFinding(version: string): Finding {
  const [major, minor] = version.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return { what: 'Node', value: version, state: 'ok' };
  return { what: 'Node', value: version, state: 'bad', advice: ['Node 20.19 or newer is needed: https://nodejs.org'] };
}

export function adapterFindings(answer: AdapterAnswer): Finding[] {
  if (!answer.ok) {
    const plan = vulkanInstallPlan(readOsRelease());
    const advice =
      process.platform === 'linux'
        ? ['Install a Vulkan driver, as root:', ...plan.commands.map((command) => `  ${command}`), plan.note ?? '']
        : ['Update the graphics driver: WebGPU runs on Metal here, or on D3D12 on Windows.'];
    return [{ what: 'adapter', value: answer.reason.split(':')[0], state: 'bad', advice: advice.filter(Boolean) }];
  }
  const { adapter } = answer;
  const { memory } = adapter.facts;
  const software = /llvmpipe|swiftshader/i.test(`${adapter.architecture} ${adapter.device} ${adapter.description}`);
  const name = [adapter.vendor, adapter.architecture, adapter.device].filter(Boolean).join(' / ');
  const limits = Object.entries(adapter.limits).map(([key, value]) => `${key} ${limitText(key, value)}`);
  const sizes = adapter.subgroupSizes?.join('–');
  return [
    {
      what: 'adapter',
      value: name,
      state: software ? 'note' : 'ok',
      ...(software ? { advice: ['Software: the CPU does the work of a GPU. Fine for small models.'] } : {}),
    },
    ...deviceFinding(adapter.all),
    { what: 'its memory', value: `${formatBytes(memory.bytes)} (${memory.source})`, state: 'ok' },
    { what: 'driver', value: adapter.description || 'not said', state: 'ok' },
    { what: 'features', value: adapter.features.join(', ') || 'none', state: 'ok' },
    { what: 'subgroups', value: sizes ? `size ${sizes}` : 'no', state: sizes ? 'ok' : 'note' },
    { what: 'subgroup matrices', value: adapter.subgroupMatrices.join(', ') || 'none', state: 'ok' },
    { what: 'limits', value: limits[0] ?? '', state: 'ok', advice: limits.slice(1) },
  ];
}

/** Which others there are to choose from. */
function deviceFinding(all: readonly string[]): Finding[] {
  if (all.length < 2) return [];
  const advice = all.map((name, i) => `--device ${i}  ${name}`);
  return [{ what: 'adapters', value: `${all.length}, of which serve takes the fastest`, state: 'ok', advice }];
}

function limitText(name: string, value: number): string {
  if (!/Size$/.test(name)) return value.toLocaleString('en-US');
  return value >= 2 ** 20 ? `${Math.floor(value / 2 ** 20)} MiB` : `${value / 2 ** 10} KiB`;
}

/** Linux only: where the Vulkan loader looks for drivers. */
function driverFindings(): Finding[] {
  if (process.platform !== 'linux') return [];
  const manifests = vulkanManifests();
  const driver: Finding = {
    what: 'Vulkan drivers',
    value: manifests.map((path) => path.replace(/^.*\//, '').replace(/\.json$/, '')).join(', ') || 'none found',
    state: manifests.length > 0 ? 'ok' : 'note',
  };
  const nvidia = existsSync('/proc/driver/nvidia/version') && !manifests.some((path) => /nvidia/i.test(path));
  if (!nvidia) return [driver];
  const container =
    "in a container start it with NVIDIA_DRIVER_CAPABILITIES=all; elsewhere install the driver's GL part";
  return [driver, { what: 'NVIDIA', value: `no Vulkan manifest: ${container}`, state: 'note' }];
}

function memoryFindings(): Finding[] {
  const free = process.platform === 'linux' ? availableMemory() : freemem();
  const processor = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} threads`;
  const short = free < 1e9;
  return [
    { what: 'processor', value: processor, state: 'ok' },
    {
      what: 'memory',
      value: `${formatBytes(free)} free of ${formatBytes(totalmem())}`,
      state: short ? 'note' : 'ok',
      ...(short ? { advice: ['Little is free: lower --mem_fraction or --max_total_token_num.'] } : {}),
    },
  ];
}

/** MemAvailable, which counts caches that can be given back; freemem() does not. */
function availableMemory(): number {
  const path = '/proc/meminfo';
  const kilobytes = existsSync(path) && /^MemAvailable:\s+(\d+)/m.exec(readFileSync(path, 'utf8'))?.[1];
  return kilobytes ? Number(kilobytes) * 1024 : freemem();
}

export async function cacheFindings(home: string): Promise<Finding[]> {
  const directory = modelsDirectory(home);
  const files = await modelFiles(directory);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const nearest = nearestExisting(home);
  const { bavail, bsize } = statfsSync(nearest);
  return [
    {
      what: 'models',
      value: `${formatBytes(total)} in ${directory}`,
      state: 'ok',
      advice: files.map(({ name, bytes }) => `${name}  ${formatBytes(bytes)}`),
    },
    await defaultModelFinding(home),
    {
      what: 'disk',
      value: `${formatBytes(bavail * bsize)} free at ${nearest}`,
      state: bavail * bsize < 5e8 ? 'note' : 'ok',
      ...(bavail * bsize < 5e8 ? { advice: ['Set DAWNLIGHT_HOME to a directory on a larger disk.'] } : {}),
    },
  ];
}

interface ModelFile {
  /** From the cache's directory on. */
  readonly name: string;
  readonly bytes: number;
}

/**
 * Without what cannot be read: links to nothing, and what a pull takes away at the same time.
 * @param seen real paths of directories: links may lead back
 */
async function modelFiles(directory: string, prefix = '', seen = new Set<string>()): Promise<ModelFile[]> {
  const real = await realpath(directory).catch(() => null);
  if (real === null || seen.has(real)) return [];
  seen.add(real);
  const names = await readdir(directory).catch(() => []);
  const files = names.map(async (entry): Promise<ModelFile[]> => {
    const [path, name] = [join(directory, entry), join(prefix, entry)];
    const stats = await stat(path).catch(() => null);
    if (stats?.isDirectory()) return modelFiles(path, name, seen);
    return stats?.isFile() && /\.(gguf|safetensors|part)$/.test(name) ? [{ name, bytes: stats.size }] : [];
  });
  return (await Promise.all(files)).flat();
}

async function defaultModelFinding(home: string): Promise<Finding> {
  const what = 'default model';
  const path = defaultModelPath(home);
  if (!existsSync(path)) {
    return { what, value: 'not there yet', state: 'note', advice: ['`dawnlight pull default` fetches it (98 MB).'] };
  }
  if (await matches(path, defaultModelSpec)) return { what, value: 'there, its checksum is right', state: 'ok' };
  const advice = [`Delete ${path} and run \`dawnlight pull default\`.`];
  return { what, value: 'its checksum is wrong', state: 'bad', advice };
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}
