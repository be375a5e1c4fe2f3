/**
 * Express 5 gives each request an HTTP/1.1 prototype, with which an HTTP/2 request breaks. The documented remedy is
 * an app with its own prototypes: https://expressjs.com/en/guide/overriding-express-api.html
 *
 * @module
 */
import { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import express, { type Express, type Request, type Response } from 'express';

/** Returns a listener that serves `app` over both versions. Mount routes on `app` as usual. */
export function overBothVersions(app: Express): (req: object, res: object) => void {
  const { settings, locals } = app;
  const http2App = Object.assign(express(), { settings, locals });
  http2App.request = rebase(http2App.request, express.request, Http2ServerRequest.prototype);
  http2App.response = rebase(http2App.response, express.response, Http2ServerResponse.prototype);
  http2App.use(app.router);
  return (req, res) => {
    const serves = req instanceof Http2ServerRequest ? http2App : app;
    // HTTP/2 has the host in a field that Express does not read.
    if (req instanceof Http2ServerRequest) req.headers.host ??= req.authority;
    serves(req as Request, res as Response);
  };
}

/** A prototype chain: additions of the app, additions of Express, node:http2. */
function rebase<Own extends object>(own: Own, api: object, base: object): Own {
  const middle: object = Object.create(base, Object.getOwnPropertyDescriptors(api));
  return Object.create(middle, Object.getOwnPropertyDescriptors(own)) as Own;
}
