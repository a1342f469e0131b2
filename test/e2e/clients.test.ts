// The client libraries that people use, one after the other against one server, so that the model is loaded once.
import t from 'tap';
import { examine, serveDefaultModel } from '../helpers/client-exam.ts';
import { defaultModel } from '../helpers/default-model.ts';
import { withoutPython } from '../helpers/python.ts';
import { curl } from './clients/curl.ts';
import { langchain } from './clients/langchain.ts';
import { openaiNode } from './clients/openai-node.ts';
import { openaiPython } from './clients/openai-python.ts';
import { vercelAi } from './clients/vercel-ai.ts';

const skip = defaultModel().unavailable || withoutPython;

t.test('clients', { skip }, async (t) => {
  const url = await serveDefaultModel(t);
  for (const library of [curl, openaiNode, openaiPython(t), langchain, vercelAi]) {
    await t.test(library.name, (t) => examine(t, library, url));
  }
});
