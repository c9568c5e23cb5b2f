// OpenAI's chat completions by the official SDK for TypeScript.

import OpenAI from 'openai';

import { INSTRUCTION, KEY, PROMPT, SCHEMA, TIMEOUT, main } from './common.mjs';

const FUNCTION = { name: 'get_weather', description: 'The weather of a city', parameters: SCHEMA, strict: true };

class Conversation {
  constructor(baseUrl, { model, stream, think, image }) {
    this.client = new OpenAI({ baseURL: `${baseUrl}/v1`, apiKey: KEY, maxRetries: 0, timeout: TIMEOUT });
    this.stream = stream;
    const seen = { type: 'image_url', image_url: { url: `data:image/png;base64,${image}` } };
    this.asked = {
      model,
      tools: [{ type: 'function', function: FUNCTION }],
      messages: [
        { role: 'system', content: INSTRUCTION },
        { role: 'user', content: image ? [{ type: 'text', text: PROMPT }, seen] : PROMPT },
      ],
      ...(think && { reasoning_effort: 'high' }),
    };
  }

  async turn() {
    let thought = '';
    let completion;
    if (this.stream) {
      const stream = this.client.chat.completions.stream({ ...this.asked, stream_options: { include_usage: true } });
      stream.on('chunk', (chunk) => {
        thought += chunk.choices[0]?.delta?.reasoning_content ?? '';
      });
      completion = await stream.finalChatCompletion();
    } else {
      completion = await this.client.chat.completions.create(this.asked);
      thought = completion.choices[0].message.reasoning_content ?? '';
    }
    const { content, tool_calls: made = [] } = completion.choices[0].message;
    const calls = made.map(({ id, function: { name, arguments: text } }) => ({ id, name, text }));
    const said = calls.map(({ id, name, text }) => ({ id, type: 'function', function: { name, arguments: text } }));
    this.asked.messages.push({ role: 'assistant', content, ...(said.length > 0 && { tool_calls: said }) });
    const { prompt_tokens: input, prompt_tokens_details: details, completion_tokens: output } = completion.usage;
    return {
      text: content ?? '',
      thought,
      calls: calls.map(({ id, name, text }) => ({ id, name, input: JSON.parse(text) })),
      usage: [input, details.cached_tokens, output],
    };
  }

  give(results) {
    for (const { call, text } of results) {
      this.asked.messages.push({ role: 'tool', tool_call_id: call.id, content: text });
    }
  }
}

await main(Conversation);
