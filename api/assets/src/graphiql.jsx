// What does someone see who opens /graphiql? GraphiQL, with a bar above it that says who they are.

import { GraphiQLInterface } from "graphiql";
import { GraphiQLProvider, useEditorContext, useExecutionContext } from "@graphiql/react";
import { explorerPlugin } from "@graphiql/plugin-explorer";
import { setNonce } from "get-nonce";
import { useCallback, useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";

import { createFetcher } from "./fetcher.js";
import { exampleTabs } from "./examples.js";
import { createMemory } from "./remember.js";
import { createSession } from "./session.js";
import "graphiql/src/style.css";
import "@graphiql/react/dist/style.css";
import "@graphiql/plugin-explorer/dist/style.css";
import "./graphiql.css";

const config = JSON.parse(document.getElementById("callout-config").textContent);
// The page's policy refuses <style> elements that do not carry its nonce.
setNonce(document.querySelector("script[nonce]").nonce);

// GraphiQL shows a first tab's query by itself, but its variables only when they are handed over.
const firstVisit = localStorage.getItem("graphiql:tabState") === null;

const session = createSession(config);
const explorer = explorerPlugin({ showAttribution: false });
const answers = new EventTarget();
const fillIn = createMemory();

function useAccount() {
  const [account, setAccount] = useState(session.current());
  useEffect(() => session.subscribe(setAccount), []);
  return account;
}

function usePending(act) {
  const [pending, setPending] = useState(false);
  const [problem, setProblem] = useState("");
  const run = async (...facts) => {
    setPending(true);
    setProblem("");
    try {
      await act(...facts);
    } catch (error) {
      setProblem(error.message);
    } finally {
      setPending(false);
    }
  };
  return { pending, problem, run };
}

function DemoButtons({ account, signIn, pending }) {
  return (
    <div className="demo" role="group" aria-label="Sign in as a demo account">
      <span className="demo-label">Try it as</span>
      {config.accounts.map(({ role, email, password }) => (
        <button
          key={email}
          type="button"
          className="chip"
          aria-pressed={account?.email === email}
          disabled={pending}
          title={email}
          onClick={() => signIn(email, password, role)}
        >
          {role.toLowerCase()}
        </button>
      ))}
    </div>
  );
}

function SignInForm({ signIn, pending }) {
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    signIn(form.get("email"), form.get("password"));
  };
  return (
    <form className="sign-in" onSubmit={submit} aria-label="Sign in">
      <input name="email" type="email" required autoComplete="username"
        placeholder="E-mail" aria-label="E-mail" />
      <input name="password" type="password" required autoComplete="current-password"
        placeholder="Password" aria-label="Password" />
      <button type="submit" className="chip strong" disabled={pending}>Sign in</button>
    </form>
  );
}

function Who({ account, signOut, pending }) {
  return (
    <div className="who">
      <span className="who-name" data-testid="who">
        {account.name} <small>{account.role.toLowerCase()}</small>
      </span>
      <button type="button" className="chip" disabled={pending} onClick={signOut}>Sign out</button>
    </div>
  );
}

function resetExamples() {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith("graphiql:")) localStorage.removeItem(key);
  }
  location.reload();
}

function useShowTabOf() {
  const { tabs, changeTab } = useEditorContext({ nonNull: true });
  const { stop } = useExecutionContext({ nonNull: true });
  return useCallback((role) => {
    const opening = exampleTabs(config.examples, role)[0]?.query;
    const index = tabs.findIndex((tab) => tab.query === opening);
    if (index < 0) return;
    stop();
    changeTab(index);
  }, [tabs, changeTab, stop]);
}

function useMemory() {
  const { variableEditor } = useEditorContext({ nonNull: true });
  useEffect(() => {
    if (!variableEditor) return undefined;
    const remember = ({ detail }) => {
      const before = variableEditor.getValue();
      const after = fillIn(before, detail);
      if (after !== before) variableEditor.setValue(after);
    };
    answers.addEventListener("data", remember);
    return () => answers.removeEventListener("data", remember);
  }, [variableEditor]);
}

function Bar() {
  useMemory();
  const account = useAccount();
  const showTabOf = useShowTabOf();
  const entry = usePending(async (email, password, role) => {
    await session.signIn(email, password);
    showTabOf(role ?? session.current().role);
  });
  const exit = usePending(session.signOut);
  const pending = entry.pending || exit.pending;
  const problem = entry.problem || exit.problem || account?.problem;
  return (
    <header className="bar">
      <a className="brand" href="/">Callout <span>API explorer</span></a>
      {config.accounts.length > 0 && (
        <DemoButtons account={account} signIn={entry.run} pending={pending} />
      )}
      <div className="bar-end">
        {problem && <span className="problem" role="alert">{problem}</span>}
        {account?.token
          ? <Who account={account} signOut={exit.run} pending={pending} />
          : config.accounts.length === 0 && <SignInForm signIn={entry.run} pending={pending} />}
        <button type="button" className="chip quiet" onClick={resetExamples}
          title="Forget edited tabs and show the examples again">Reset examples</button>
      </div>
    </header>
  );
}

function maySeeSchema(account) {
  if (config.introspection === "signed_in") return Boolean(account?.token);
  return config.introspection === "everyone";
}

function announce(data) {
  answers.dispatchEvent(new CustomEvent("data", { detail: data }));
}

function Page() {
  const account = useAccount();
  // A new identity may see another schema: a new fetcher makes GraphiQL ask for it again.
  const fetcher = useMemo(() => createFetcher(config.endpoint, session, announce), [account?.id]);
  useEffect(() => () => fetcher.dispose(), [fetcher]);
  const tabs = useMemo(() => exampleTabs(config.examples), []);
  return (
    <GraphiQLProvider fetcher={fetcher.fetch} defaultTabs={tabs} plugins={[explorer]}
      schema={maySeeSchema(account) ? undefined : null}
      variables={firstVisit ? tabs[0].variables : undefined}
      visiblePlugin={location.hash === "#schema" ? "Documentation Explorer" : undefined}
      shouldPersistHeaders={false}>
      <Bar />
      <GraphiQLInterface showPersistHeadersSettings={false} defaultEditorToolsVisibility="variables" />
    </GraphiQLProvider>
  );
}

createRoot(document.getElementById("graphiql")).render(<Page />);
