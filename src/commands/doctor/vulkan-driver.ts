/**
 * Which commands give this Linux machine a Vulkan driver that Dawn accepts. Mesa's software driver (lavapipe) does where
 * there is no GPU. Debian 12's own Mesa 22.3.6 is refused by Dawn; 25.0.7 from bookworm-backports works, and so does
 * Debian 13's own; Ubuntu's were not tried.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface OsRelease {
  readonly id: string;
  readonly codename: string;
  /** The distributions it derives from. */
  readonly like: readonly string[];
  readonly name: string;
}

interface InstallPlan {
  /** Shell commands to be run as root, in order. Empty when none is known for this system. */
  readonly commands: readonly string[];
  /** Whether set-up may run them by itself (apt only). */
  readonly automatic: boolean;
  readonly note: string | null;
}

/** @param text content of /etc/os-release */
export function parseOsRelease(text: string): OsRelease {
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return {
    id: field('ID'),
    codename: field('UBUNTU_CODENAME') || field('VERSION_CODENAME'),
    like: field('ID_LIKE').split(' ').filter(Boolean),
    name: field('PRETTY_NAME') || 'this system',
  };
}

export function readOsRelease(): OsRelease {
  return parseOsRelease(existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '');
}

const packages = 'mesa-vulkan-drivers libvulkan1';
const install = 'DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends';

/**
 * @param aptSources the text of the machine's apt sources: backports come from the same mirror
 */
export function vulkanInstallPlan(os: OsRelease, aptSources: string = readAptSources()): InstallPlan {
  // Comments name mirrors too, often ones that cannot be reached.
  const sources = aptSources.replaceAll(/^\s*#.*$/gm, '');
  const apt = (commands: string[], note: string | null = null) => ({ commands, automatic: true, note });
  const is = (id: string) => os.id === id || os.like.includes(id);
  if (is('debian') && os.codename === 'bookworm') {
    const enable = /\bbookworm-backports\b/.test(sources) ? [] : [backportsCommand(sources)];
    return apt([...enable, 'apt-get update', `${install} -t bookworm-backports ${packages}`]);
  }
  if (is('ubuntu') && os.codename === 'jammy') {
    const note = 'Ubuntu 22.04 has Mesa 23.2, with which this was never tried; Ubuntu 24.04 has a newer one.';
    return apt(['apt-get update', `${install} ${packages}`], note);
  }
  if (is('debian') || is('ubuntu')) return apt(['apt-get update', `${install} ${packages}`]);
  const by = (command: string) => ({ commands: [command], automatic: false, note: null });
  if (is('fedora') || is('rhel')) return by('dnf install -y mesa-vulkan-drivers vulkan-loader');
  if (is('arch')) return by('pacman -S --needed vulkan-swrast vulkan-icd-loader');
  if (is('suse') || is('opensuse')) return by('zypper install -y libvulkan_lvp libvulkan1');
  const musl = 'The WebGPU library needs glibc: use Debian, Ubuntu or another system that has it.';
  if (is('alpine')) return { commands: [], automatic: false, note: musl };
  return { commands: [], automatic: false, note: "Install your system's Vulkan loader and Mesa's Vulkan drivers." };
}

function backportsCommand(aptSources: string): string {
  const mirror = /https?:\/\/\S+\/debian(?=[\s/])/.exec(aptSources)?.[0] ?? 'http://deb.debian.org/debian';
  const file = '/etc/apt/sources.list.d/bookworm-backports.list';
  return `echo 'deb ${mirror} bookworm-backports main' > ${file}`;
}

function readAptSources(): string {
  const directory = '/etc/apt/sources.list.d';
  const names = existsSync(directory) ? readdirSync(directory).filter((name) => /\.(list|sources)$/.test(name)) : [];
  const files = ['/etc/apt/sources.list', ...names.map((name) => join(directory, name))];
  return files.map((file) => (existsSync(file) ? readFileSync(file, 'utf8') : '')).join('\n');
}

/** The drivers that the Vulkan loader would find, by their manifest files. */
export function vulkanManifests(env: NodeJS.ProcessEnv = process.env): string[] {
  const chosen = env['VK_DRIVER_FILES'] ?? env['VK_ICD_FILENAMES'];
  if (chosen) return chosen.split(':');
  const directories = ['/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d', '/usr/share/vulkan/icd.d'];
  return directories
    .filter((directory) => existsSync(directory))
    .flatMap((directory) => readdirSync(directory).map((name) => join(directory, name)));
}
