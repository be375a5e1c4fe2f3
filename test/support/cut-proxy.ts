/**
 * A TCP proxy on the loopback that loses its network.
 *
 * @module
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach } from '@jest/globals';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** What the network does. */
export type Network = 'passes' | 'stalls' | 'half-closes' | 'delays';

/** Passes connections on, and disturbs them. */
export class CutProxy {
  port = '';
  readonly #sockets = new Set<Socket>();
  #target: number;
  #network: Network = 'passes';
  #delayMs = 0;

  private constructor(target: string) {
    this.#target = Number(target);
  }

  static async to(target: string): Promise<CutProxy> {
    const proxy = new CutProxy(target);
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      proxy.#accept(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    proxy.port = String((server.address() as AddressInfo).port);
    closers.push(async () => {
      const closed = once(server, 'close');
      server.close();
      proxy.#destroyAll();
      await closed;
    });
    return proxy;
  }

  /**
   * `'stalls'`: no byte passes, and what was sent is lost, on connections of before and of then. `'half-closes'`: the
   * store's side of each connection ends, and new ones stall. `'delays'`: each byte passes later. `'passes'`: new
   * connections work; those that have lost bytes stay silent.
   */
  become(network: Network, delayMs = 0): void {
    this.#network = network;
    this.#delayMs = delayMs;
    if (network === 'half-closes') for (const socket of this.#sockets) socket.end();
  }

  /** Sends connections to another port. Those that are open end. */
  moveTo(target: string): void {
    this.#target = Number(target);
    this.#destroyAll();
  }

  #accept(socket: Socket): void {
    const target = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true });
    this.#pass(socket, target);
    this.#pass(target, socket);
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    let isLost = false;
    from.on('data', (data) => {
      // A connection that has lost bytes is dead without either end knowing.
      isLost ||= this.#network === 'stalls' || this.#network === 'half-closes';
      if (isLost) return;
      if (this.#network === 'passes') to.write(data);
      else setTimeout(() => to.write(data), this.#delayMs).unref();
    });
    from.on('error', () => to.destroy());
    from.on('end', () => {
      if (!isLost) to.end();
    });
    from.on('close', () => {
      this.#sockets.delete(from);
      if (!isLost) to.destroy();
    });
  }

  #destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
