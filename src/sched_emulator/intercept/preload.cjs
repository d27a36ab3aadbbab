// Loaded into every Node process by NODE_OPTIONS, because older versions know no proxy variables: TLS to the gateway's
// host goes to the emulator instead. With SCHED_EMULATOR_OFFLINE no other host is reached. Everything else is left alone.
'use strict';

const net = require('node:net');
const tls = require('node:tls');

const HOST = 'api.infrai.cc';
const LOOPBACK = new Set(['localhost', '127.0.0.1', '::1', '0.0.0.0', '::']);
const port = Number(process.env.SCHED_EMULATOR_TLS_PORT);

const connectTls = tls.connect;
tls.connect = function connect(...args) {
  const named = typeof args[0] === 'object' ? args[0] : { port: args[0] };
  const host = typeof args[1] === 'string' ? { host: args[1] } : {};
  const options = { ...named, ...host, ...args.slice(1).find((arg) => arg !== null && typeof arg === 'object') };
  if (!options.socket && options.host === HOST && Number(options.port || 443) === 443) {
    const emulator = { ...options, host: '127.0.0.1', port, servername: HOST };
    return connectTls.call(this, emulator, args.find((arg) => typeof arg === 'function'));
  }
  return connectTls.apply(this, args);
};

if (process.env.SCHED_EMULATOR_OFFLINE) {
  const connectSocket = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function connect(...args) {
    const first = Array.isArray(args[0]) ? args[0][0] : args[0];
    const options = typeof first === 'object' ? first : { port: first, host: typeof args[1] === 'string' ? args[1] : undefined };
    const host = options.host || 'localhost';
    if (!options.path && !LOOPBACK.has(host)) {
      const error = new Error(`${host} is not reached: sched-emulator run --offline lets nothing through but ${HOST}`);
      process.nextTick(() => this.destroy(error));
      return this;
    }
    return connectSocket.apply(this, args);
  };
}

require('node:module').syncBuiltinESMExports();
