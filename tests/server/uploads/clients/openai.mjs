// The official OpenAI client for Node.js: node openai.mjs BASE_URL RECORDING
import { createReadStream, readFileSync } from 'node:fs'
import OpenAI from 'openai'

const [base, file] = process.argv.slice(2)
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: 'any', maxRetries: 0 })
const told = {}

// The file goes first here, so that every other field comes behind it.
told.json = await client.audio.transcriptions.create({ file: createReadStream(file), model: 'whisper-1' })
told.verbose = await client.audio.transcriptions.create({
  file: createReadStream(file),
  model: 'whisper-1',
  response_format: 'verbose_json',
  timestamp_granularities: ['word'],
})
told.srt = await client.audio.transcriptions.create({ file: createReadStream(file), model: 'x', response_format: 'srt' })
told.deltas = []
const stream = await client.audio.transcriptions.create({ file: createReadStream(file), model: 'x', stream: true })
for await (const event of stream) told.deltas.push(event.delta ?? event.text)
told.models = []
for await (const model of client.models.list()) told.models.push(model.id)
try {
  await client.audio.transcriptions.create({ file: createReadStream(file), model: 'x', response_format: 'diarized_json' })
} catch (error) {
  told.error = { status: error.status, param: error.param, code: error.code, message: error.message }
}
const whole = (body) => new File([body], 'a.wav')
const refused = async (body, options = {}) => {
  try {
    return await client.audio.transcriptions.create({ file: whole(body), model: 'x' }, options)
  } catch (error) {
    return { name: error.constructor.name, status: error.status, param: error.param }
  }
}
told.empty = await refused(new Uint8Array())
told.tooLarge = await refused(new Uint8Array(2 * 1024 * 1024))
const leaving = new AbortController()
const left = refused(readFileSync(file), { signal: leaving.signal })
setImmediate(() => leaving.abort())
told.left = await left
told.ten = await Promise.all(
  Array.from({ length: 10 }, async () => {
    const heard = await client.audio.transcriptions.create({ file: createReadStream(file), model: 'x' })
    return heard.text
  }),
)
console.log(JSON.stringify(told))
