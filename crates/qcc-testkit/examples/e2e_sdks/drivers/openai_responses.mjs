// OpenAI's responses by the official SDK for TypeScript. Nothing is kept by the provider: the items go back and forth.

import OpenAI from 'openai';

import { INSTRUCTION, KEY, PROMPT, SCHEMA, TIMEOUT, main } from './common.mjs';

const TOOL = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather of a city',
  parameters: SCHEMA,
  strict: true,
};

class Conversation {
  constructor(baseUrl, { model, stream, think, image }) {
    this.client = new OpenAI({ baseURL: `${baseUrl}/v1`, apiKey: KEY, maxRetries: 0, timeout: TIMEOUT });
    this.stream = stream;
    const content = [{ type: 'input_text', text: PROMPT }];
    if (image) {
      content.push({ type: 'input_image', image_url: `data:image/png;base64,${image}`, detail: 'auto' });
    }
    this.asked = {
      model,
      instructions: INSTRUCTION,
      tools: [TOOL],
      input: [{ role: 'user', content }],
      store: false,
      ...(think && { reasoning: { effort: 'high', summary: 'auto' }, include: ['reasoning.encrypted_content'] }),
    };
  }

  async turn() {
    const response = this.stream
      ? await this.client.responses.stream(this.asked).finalResponse()
      : await this.client.responses.create(this.asked);
    this.asked.input.push(...response.output.map(replayable));
    const of = (type) => response.output.filter((item) => item.type === type);
    const { input_tokens: input, input_tokens_details: details, output_tokens: output } = response.usage;
    return {
      text: response.output_text,
      thought: of('reasoning').flatMap((item) => item.summary).map((part) => part.text).join(''),
      calls: of('function_call').map((item) => ({
        id: item.call_id,
        name: item.name,
        input: JSON.parse(item.arguments),
      })),
      usage: [input, details.cached_tokens, output],
    };
  }

  give(results) {
    for (const { call, text } of results) {
      this.asked.input.push({ type: 'function_call_output', call_id: call.id, output: text });
    }
  }
}

/** An item as it goes back; the SDK's helper adds what it has parsed, which is no member of the API. */
function replayable({ parsed_arguments: _, ...item }) {
  return item.content ? { ...item, content: item.content.map(({ parsed: __, ...part }) => part) } : item;
}

await main(Conversation);
