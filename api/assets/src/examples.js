// Which tabs does a first visit open with? One for each role.

export function exampleTabs(examples, role) {
  return examples
    .filter((example) => !role || example.role === role)
    .map(({ query, variables }) => ({ query, variables }));
}
