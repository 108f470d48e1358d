// How does an operation reach the server? Over HTTP, or a graphql-transport-ws socket if it lives.

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { createClient } from "graphql-ws";

function socketUrl(endpoint) {
  const url = new URL(endpoint, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

function withToken(session, tell) {
  return async (url, options) => {
    const headers = new Headers(options.headers);
    const token = await session.token();
    // A token written into the headers editor wins over the one of the bar.
    if (token && !headers.has("authorization")) headers.set("authorization", `Bearer ${token}`);
    const response = await fetch(url, { ...options, headers });
    response.clone().json().then(({ data }) => tell(data), () => {}); // GraphiQL shows what is wrong
    return response;
  };
}

// `onData` hears of everything that the server answers.
export function createFetcher(endpoint, session, onData) {
  const tell = (data) => data && !data.__schema && onData(data);
  // Lazy: the socket lives as long as a subscription does, and each new one asks for the token of
  // the moment, so that the server closing a socket at its token's expiry only means a new socket.
  const client = createClient({
    url: socketUrl(endpoint),
    connectionParams: async () => {
      const token = await session.token();
      return token ? { authorization: `Bearer ${token}` } : {};
    },
  });
  client.on("message", ({ type, payload }) => type === "next" && tell(payload.data));
  const fetcher = createGraphiQLFetcher({
    url: endpoint,
    fetch: withToken(session, tell),
    wsClient: client,
    enableIncrementalDelivery: false,
  });
  return { fetch: fetcher, dispose: () => client.dispose() };
}
