// A Sparkplug host for tests/http/test_sparkplug.py: reads the payloads with sparkplug-payload of Eclipse Tahu's makers.
// Usage: sparkplug_host.mjs PORT. Each message of spBv1.0/# becomes a line of JSON. Each line that comes is either
// {"topic", "payload"}, to be published, or {"edge": {"groupId", "edgeNode", "deviceId"}}: an edge node of
// sparkplug-client publishes its births, one data message of the device, and the device's death.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const need = createRequire(new URL("../browser/package.json", import.meta.url));
const codec = need("sparkplug-payload").get("spBv1.0");
const serverUrl = `mqtt://127.0.0.1:${process.argv[2]}`;
const client = need("mqtt").connect(serverUrl, { reconnectPeriod: 100 });
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
// protobufjs has 64-bit numbers as objects
const plain = (value) =>
  JSON.parse(JSON.stringify(value, (_key, at) => (at && typeof at === "object" && "unsigned" in at ? Number(at.toString()) : at)));

client.on("error", () => {}); // it tries again
client.on("connect", () => client.subscribe("spBv1.0/#", { qos: 1 }, () => say({ ready: true })));
client.on("message", (topic, bytes, { qos, retain }) => {
  const [, , kind, , device] = topic.split("/");
  try {
    say({ topic, kind, device, qos, retain, payload: plain(codec.decodePayload(bytes)) });
  } catch (error) {
    say({ topic, kind, broken: String(error) });
  }
});

function edge({ groupId, edgeNode, deviceId }) {
  const options = { serverUrl, username: "", password: "", groupId, edgeNode, clientId: edgeNode, version: "spBv1.0" };
  const node = need("sparkplug-client").newClient({ ...options, publishDeath: true });
  const metrics = () => [{ name: "a", type: "Float", value: 0.5 }];
  node.on("birth", () => {
    node.publishNodeBirth({ timestamp: Date.now(), metrics: [{ name: "Node Control/Rebirth", type: "Boolean", value: false }] });
    node.publishDeviceBirth(deviceId, { timestamp: Date.now(), metrics: metrics() });
    node.publishDeviceData(deviceId, { timestamp: Date.now(), metrics: metrics() });
    node.publishDeviceDeath(deviceId, { timestamp: Date.now(), metrics: [] });
    node.stop();
  });
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const order = JSON.parse(line);
    if (order.edge) edge(order.edge);
    else client.publish(order.topic, order.hex ? Buffer.from(order.hex, "hex") : Buffer.from(codec.encodePayload(order.payload)));
  })
  .on("close", () => process.exit(0));
