/** The coding agents of `npm run test:clients`: how each is pointed at a server, and the call by which it reads a file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Place {
  /** Of the server, without /v1. */
  readonly url: string;
  /** An empty home directory: no settings of the user's take part, and none are changed. */
  readonly home: string;
  /** Where the program works. */
  readonly work: string;
}

export interface Program {
  /** npm package. */
  readonly name: string;
  readonly bin: string;
  /** The path of the API that it speaks. */
  readonly path: string;
  readonly args: (question: string) => readonly string[];
  readonly env: (place: Place) => Readonly<Record<string, string>>;
  /** Writes the settings that it reads from files. */
  readonly configure?: (place: Place) => void;
  /** Reads `file`, given with its whole path. */
  readonly call: (file: string) => { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> };
}

const MODEL = 'fake';

function write(directory: string, file: string, text: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, file), text);
}

export const programs: readonly Program[] = [
  {
    name: '@anthropic-ai/claude-code',
    bin: 'claude',
    path: '/v1/messages',
    args: (question) => ['-p', question, '--allowedTools', 'Read'],
    env: ({ url }) => ({
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: 'none',
      ANTHROPIC_MODEL: MODEL,
      ANTHROPIC_DEFAULT_HAIKU_MODEL: MODEL,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
    }),
    call: (file) => ({ name: 'Read', arguments: { file_path: file } }),
  },
  {
    name: '@openai/codex',
    bin: 'codex',
    path: '/v1/responses',
    args: (question) => ['exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', question],
    env: () => ({}),
    configure: ({ url, home }) =>
      write(
        join(home, '.codex'),
        'config.toml',
        [
          `model = "${MODEL}"`,
          'model_provider = "dawnlight"',
          'check_for_update_on_startup = false',
          '[analytics]',
          'enabled = false',
          '[features]',
          ...['apps', 'plugins', 'plugin_sharing', 'remote_plugin', 'tool_suggest'].map((name) => `${name} = false`),
          '[model_providers.dawnlight]',
          'name = "Dawnlight"',
          `base_url = "${url}/v1"`,
          'wire_api = "responses"',
          '',
        ].join('\n'),
      ),
    call: (file) => ({ name: 'exec_command', arguments: { cmd: `cat ${file}` } }),
  },
  {
    name: '@qwen-code/qwen-code',
    bin: 'qwen',
    path: '/v1/chat/completions',
    args: (question) => ['--auth-type', 'openai', '-y', '-p', question],
    env: ({ url }) => ({ OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: 'none', OPENAI_MODEL: MODEL }),
    configure: ({ home }) =>
      write(
        join(home, '.qwen'),
        'settings.json',
        JSON.stringify({
          general: { enableAutoUpdate: false },
          privacy: { usageStatisticsEnabled: false },
          telemetry: { enabled: false },
        }),
      ),
    call: (file) => ({ name: 'read_file', arguments: { file_path: file } }),
  },
  {
    name: 'opencode-ai',
    bin: 'opencode',
    path: '/v1/chat/completions',
    args: (question) => ['run', question],
    env: () => ({
      OPENCODE_DISABLE_AUTOUPDATE: '1',
      OPENCODE_DISABLE_MODELS_FETCH: '1',
      OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
      OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
    }),
    configure: ({ url, work }) =>
      write(
        work,
        'opencode.json',
        JSON.stringify({
          autoupdate: false,
          share: 'disabled',
          model: `dawnlight/${MODEL}`,
          small_model: `dawnlight/${MODEL}`,
          enabled_providers: ['dawnlight'],
          provider: {
            dawnlight: {
              npm: '@ai-sdk/openai-compatible',
              name: 'Dawnlight',
              options: { baseURL: `${url}/v1`, apiKey: 'none' },
              models: { [MODEL]: { name: MODEL } },
            },
          },
        }),
      ),
    call: (file) => ({ name: 'read', arguments: { filePath: file } }),
  },
];
