// Loaded into every Node process of a service by NODE_OPTIONS: what would listen on all addresses listens on loopback.
// The Kinesis backend of LocalStack listens on 0.0.0.0 and cannot be told otherwise.
'use strict';
const net = require('net');

const LOOPBACK = '127.0.0.1';
const everywhere = new Set([undefined, null, '', '0.0.0.0', '::']);
const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (...args) {
  const [first, second] = args;
  if (first !== null && typeof first === 'object' && 'port' in first) {
    if (everywhere.has(first.host)) args[0] = { ...first, host: LOOPBACK };
  } else if (typeof first === 'number' || /^\d+$/.test(first)) {
    if (typeof second === 'string') {
      if (everywhere.has(second)) args[1] = LOOPBACK;
    } else {
      args.splice(1, 0, LOOPBACK);
    }
  }
  return listen.apply(this, args);
};
