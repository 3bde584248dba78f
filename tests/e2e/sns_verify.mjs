// Validates SNS messages with AWS's own validator as it comes. Arguments: the folder with
// node_modules, the port of a front that stands for SNS's certificate host. Standard input: a JSON
// list of messages. Prints "valid" or the error's text for each.
// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import https from 'node:https';
import path from 'node:path';
import tls from 'node:tls';

const [folder, port] = process.argv.slice(2);
const MessageValidator = createRequire(path.join(folder, 'node_modules', 'x'))('sns-validator');
// The host's name and certificate count, its address is this machine's.
https.globalAgent.createConnection = (options) =>
  tls.connect({ ...options, host: '127.0.0.1', port: Number(port), servername: options.servername });

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const validator = new MessageValidator();
for (const message of JSON.parse(Buffer.concat(chunks).toString())) {
  const text = await new Promise((resolve) => {
    validator.validate(message, (error) => resolve(error ? error.message : 'valid'));
  });
  console.log(text);
}
