import t from 'tap';
import { createToolCallParser } from '../../../src/text/tool-calls/create-parser.ts';
import { guessToolCallParser } from '../../../src/text/tool-calls/guess-parser.ts';

// The lines of published templates that write a call.
const templates: readonly (readonly [string, string])[] = [
  ['qwen25', `{{- '<tool_call>\\n{"name": "' }}{{- tool_call.name }}`],
  ['qwen3_coder', `{{- '\\n<tool_call>\\n<function=' + tool_call.name + '>\\n' }}`],
  ['llama3', `{{- '<|start_header_id|>' }}{{- '"parameters": ' }}{{- tool_call.arguments | tojson }}`],
  ['llama_pythonic', `{{- "<|python_start|>" }}`],
  ['mistral', `{{- "[TOOL_CALLS] [" }}`],
  ['deepseek_v3', "'<｜tool▁call▁begin｜>' + tool['type'] + '<｜tool▁sep｜>' + '\\n' + '```json' + '\\n'"],
  ['deepseek_v31', `'<｜tool▁call▁begin｜>'+ tool['function']['name'] + '<｜tool▁sep｜>'`],
  ['glm45', `{{ '\\n<tool_call>' + tc.name }}\n<arg_key>{{ k }}</arg_key>`],
  ['glm47', `{{- '<tool_call>' + tc.name -}}{% for k, v in _args.items() %}<arg_key>{{ k }}</arg_key>`],
  ['kimi_k2', `<|tool_calls_section_begin|><|tool_call_begin|>{{ id }}<|tool_call_argument_begin|>`],
  ['gemma4', `{{- '<|tool_call>call:' + function['name'] + '{' -}}`],
  ['functiongemma', `{{- '<start_function_call>call:' -}}`],
  ['granite', `<|start_of_role|>assistant<|end_of_role|>{{ '<|tool_call|>' }}`],
  ['granite4', `<|start_of_role|> within <tool_call></tool_call> XML tags`],
  ['phi4_mini', `'<|tool|>' + message['tools'] + '<|/tool|>'`],
];

t.test('the template tells the parser', (t) => {
  for (const [name, template] of templates) {
    const guess = guessToolCallParser(template);
    t.equal(guess?.name, name, template);
    t.match(guess?.why, /chat template has/);
  }
  t.end();
});

t.test('a template without tools tells none', (t) => {
  t.equal(
    guessToolCallParser(`{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>{% endfor %}`),
    null,
  );
  t.end();
});

t.test('an unknown name lists the known ones', (t) => {
  t.throws(() => createToolCallParser('qwen'), {
    code: 'bad_flag',
    message: /--tool_call_parser.*'qwen'.*qwen25, hermes/,
  });
  t.end();
});
