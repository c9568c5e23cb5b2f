// Anthropic's messages by the official SDK for TypeScript.

import Anthropic from '@anthropic-ai/sdk';

import { INSTRUCTION, KEY, PROMPT, SCHEMA, TIMEOUT, main } from './common.mjs';

const TOOL = { name: 'get_weather', description: 'The weather of a city', input_schema: SCHEMA };

class Conversation {
  constructor(baseURL, { model, stream, think, image }) {
    this.client = new Anthropic({ baseURL, apiKey: KEY, maxRetries: 0, timeout: TIMEOUT });
    this.stream = stream;
    const content = [{ type: 'text', text: PROMPT }];
    if (image) {
      content.push({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: image } });
    }
    this.asked = {
      model,
      max_tokens: 4096,
      system: INSTRUCTION,
      tools: [TOOL],
      messages: [{ role: 'user', content }],
      ...(think && { thinking: { type: 'adaptive' } }),
    };
  }

  async turn() {
    const message = this.stream
      ? await this.client.messages.stream(this.asked).finalMessage()
      : await this.client.messages.create(this.asked);
    this.asked.messages.push({ role: 'assistant', content: message.content });
    const of = (type) => message.content.filter((block) => block.type === type);
    const { input_tokens: input, cache_read_input_tokens: read, output_tokens: output } = message.usage;
    const cached = read ?? 0;
    return {
      text: of('text').map((block) => block.text).join(''),
      thought: of('thinking').map((block) => block.thinking).join(''),
      calls: of('tool_use').map(({ id, name, input }) => ({ id, name, input })),
      usage: [input + cached, cached, output],
    };
  }

  give(results) {
    const content = results.map(({ call, text }) => ({ type: 'tool_result', tool_use_id: call.id, content: text }));
    this.asked.messages.push({ role: 'user', content });
  }
}

await main(Conversation);
