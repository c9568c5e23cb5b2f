// What the drivers in JavaScript share: they play each case of the command line and print what the SDK saw, a line each.
//
// Usage: node DRIVER BASE_URL CASES, as those in Python (see common.py). A driver gives `main` a class with `turn()`, which
// asks once and says what came, and `give(results)`, which adds what the tools returned to the conversation.

// More turns than any scenario has.
const TURNS = 4;

export const PROMPT = 'What is the weather?';
export const INSTRUCTION = 'You answer questions about the weather.';
export const KEY = 'proxy-managed';

// Milliseconds after which a case has failed.
export const TIMEOUT = 20_000;

export const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string', description: 'Name of a city' } },
  required: ['city'],
  additionalProperties: false,
};

const getWeather = (input) => `${input.city}: 17 degrees`;

/** Asks until no tool is called any more. */
async function play(conversation) {
  const saw = { calls: [], thought: '' };
  for (let number = 0; number < TURNS; number += 1) {
    const turn = await conversation.turn();
    saw.thought += turn.thought;
    saw.text = turn.text;
    saw.usage = turn.usage;
    if (turn.calls.length === 0) break;
    saw.calls.push(...turn.calls.map(({ name, input }) => ({ name, input })));
    conversation.give(turn.calls.map((call) => ({ call, text: getWeather(call.input) })));
  }
  return saw;
}

/** Plays every case. */
export async function main(Conversation) {
  const [baseUrl, cases] = [process.argv[2], JSON.parse(process.argv[3])];
  for (const testCase of cases) {
    let saw;
    try {
      saw = await play(new Conversation(baseUrl, testCase));
    } catch (error) {
      saw = { raised: `${error.constructor.name} ${error.status ?? ''}: ${error.message}` };
    }
    console.log(JSON.stringify({ name: testCase.name, ...saw }));
  }
}
