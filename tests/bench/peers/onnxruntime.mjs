// One ONNX Runtime session as a process: onnxruntime.mjs MODEL THREADS. It reads lines from its standard input:
//   load FILE N   reads N pictures, float32 [N,3,224,224]
//   run           scores them; prints the milliseconds that session.run() took, measured here
//   answer FILE   writes the last run's probabilities and maps, float32
// Threads are ONNX Runtime's own; everything else has its defaults, spinning threads included.
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import ort from 'onnxruntime-node'

const [model, threads] = process.argv.slice(2)
const session = await ort.InferenceSession.create(model, {
  intraOpNumThreads: Number(threads),
  interOpNumThreads: 1,
  graphOptimizationLevel: 'all',
  executionProviders: ['cpu'],
})
console.log(`ready ${ort.env.versions.common}`)

let pixels, last
for await (const line of createInterface({ input: process.stdin })) {
  const [command, file, n] = line.split(' ')
  if (command === 'load') {
    const bytes = readFileSync(file)
    const floats = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
    pixels = new ort.Tensor('float32', floats, [Number(n), 3, 224, 224])
    console.log('loaded')
  } else if (command === 'run') {
    const began = performance.now()
    last = await session.run({ pixels })
    console.log(performance.now() - began)
  } else if (command === 'answer') {
    writeFileSync(file, Buffer.concat([last.probability, last.map].map((t) => Buffer.from(t.data.buffer, t.data.byteOffset, t.data.byteLength))))
    console.log('written')
  }
}
