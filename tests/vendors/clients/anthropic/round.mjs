// What an application asks of a model with Anthropic's own SDK: `node round.mjs ADDRESS KEY`.
import Anthropic from '@anthropic-ai/sdk';

const [baseURL, apiKey] = process.argv.slice(2);
const client = new Anthropic({ baseURL, apiKey, maxRetries: 1, logLevel: 'off' });
const model = 'claude-haiku-5-5';
const text = { anyOf: [{ type: 'string' }, { type: 'null' }] };
const fields = ['merchant', 'date', 'total', 'currency'];
const schema = {
  type: 'object',
  properties: Object.fromEntries(fields.map((name) => [name, text])),
  required: fields,
  additionalProperties: false,
};

// The example's own request: a picture, and an answer in JSON.
const picture = Buffer.from('\x89PNG receipt: {"merchant":"Kaffee","date":"2026-03-01","total":"12.50","currency":"EUR"}');
const receipt = await client.messages.create({
  model,
  max_tokens: 1024,
  system: 'You read receipts.',
  messages: [
    {
      role: 'user',
      content: [
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: picture.toString('base64') } },
        { type: 'text', text: 'Which merchant, date, total and currency does it show?' },
      ],
    },
  ],
  output_config: { format: { type: 'json_schema', schema } },
});

// Tools, in a stream.
const tools = [{ name: 'read_file', description: 'Read a file.', input_schema: { type: 'object' } }];
const ask = { model, max_tokens: 200, tools, messages: [{ role: 'user', content: 'TypeError in a.ts' }] };
const events = [];
const stream = client.messages.stream(ask).on('streamEvent', (event) => events.push(event.type));
const first = await stream.finalMessage();
const use = first.content.find((block) => block.type === 'tool_use');
const second = await client.messages.create({
  ...ask,
  messages: [
    ...ask.messages,
    { role: 'assistant', content: first.content },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: 'const x' }] },
  ],
});

const count = await client.messages.countTokens({ model, messages: ask.messages });
const known = await client.models.retrieve(model);
const listed = [];
for await (const each of client.models.list()) listed.push(each.id);

async function refused(call) {
  try {
    await call();
    return null;
  } catch (error) {
    return [error.constructor.name, error.status, typeof error.requestID];
  }
}

console.log(
  JSON.stringify({
    receipt: JSON.parse(receipt.content[0].text),
    tokens: receipt.usage.input_tokens > 0,
    thought: first.content.map((block) => block.type),
    use: [use.name, use.input, first.stop_reason],
    started: events[0],
    ended: events.at(-1),
    said: second.content[0].text,
    counted: count.input_tokens > 0,
    known: known.id,
    listed: listed.includes(model),
    temperature: await refused(() => client.messages.create({ ...ask, temperature: 0 })),
    stranger: await refused(() => client.withOptions({ apiKey: 'wrong' }).models.retrieve(model)),
    nobody: await refused(() => client.models.retrieve('claude-nobody')),
  }),
);
