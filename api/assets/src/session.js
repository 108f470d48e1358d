// Who is at the keyboard, and is their token still good?
//
// The tokens live in sessionStorage: each browser window is somebody of its own, and nothing is
// left behind when it closes.

const KEY = "callout:session";
const MARGIN_SECONDS = 60;

function expiry(token) {
  const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  return JSON.parse(atob(payload)).exp;
}

function stored() {
  return JSON.parse(sessionStorage.getItem(KEY) ?? "null");
}

async function ask(endpoint, query, variables, token) {
  const headers = { "content-type": "application/json", accept: "application/graphql-response+json" };
  if (token) headers.authorization = `Bearer ${token}`;
  const body = JSON.stringify({ query, variables });
  const response = await fetch(endpoint, { method: "POST", headers, body });
  if (!response.headers.get("content-type")?.includes("json")) {
    throw new Error(`The server answered ${response.status}.`);
  }
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data.result;
}

function accountFrom({ accessToken, refreshToken, user }) {
  return { token: accessToken, refreshToken, ...user };
}

export function createSession({ endpoint, documents }) {
  const listeners = new Set();
  let account = stored();
  let refreshing = null;
  let alarm = null;

  function become(next) {
    account = next;
    if (next?.token) sessionStorage.setItem(KEY, JSON.stringify(next));
    else sessionStorage.removeItem(KEY);
    setAlarm();
    for (const tell of listeners) tell(next);
  }

  function secondsLeft() {
    return expiry(account.token) - Date.now() / 1000 - MARGIN_SECONDS;
  }

  function setAlarm() {
    clearTimeout(alarm);
    if (account?.token) alarm = setTimeout(ring, Math.max(secondsLeft(), 5) * 1000);
  }

  function ring() {
    // Nobody waits for this one. While the server is away, try again in a moment.
    refresh().catch(setAlarm);
  }

  async function exchange() {
    const input = { refreshToken: account.refreshToken };
    const result = await ask(endpoint, documents.refreshSession, { input });
    become(result.session ? accountFrom(result.session) : { problem: result.message });
  }

  function refresh() {
    // A refresh token is good for one use: everyone who needs a new token waits for the same one.
    refreshing ??= exchange().finally(() => (refreshing = null));
    return refreshing;
  }

  async function token() {
    if (account?.token && secondsLeft() <= 0) await refresh();
    return account?.token;
  }

  async function signIn(email, password) {
    const result = await ask(endpoint, documents.signIn, { input: { email, password } });
    if (!result.session) throw new Error(result.message);
    become(accountFrom(result.session));
  }

  async function signOut() {
    try {
      await ask(endpoint, documents.signOut, {}, await token());
    } finally {
      become(null); // here it ends in any case, even if the server has forgotten it before
    }
  }

  function subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  setAlarm();
  return { current: () => account, token, signIn, signOut, subscribe };
}
