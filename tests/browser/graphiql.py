"""What does a person do in GraphiQL? Sign in, pick a tab, run an operation, read the answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.browser.chromium import Page

_ANSWERS = (
    "performance.getEntriesByType('resource').filter(e => e.name.endsWith('/graphql')).length"
)
_SCHEMA = (
    "document.querySelector('.graphiql-query-editor .CodeMirror')?.CodeMirror.options.lint.schema"
)
_ANSWER = "document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()"
#: Whether the menu of operations is gone within a second.
_MENU_CLOSES = """
new Promise((resolve) => {
  const end = Date.now() + 1000;
  const look = () => {
    if (!document.querySelector('[role=menuitem]')) resolve(true);
    else if (Date.now() > end) resolve(false);
    else setTimeout(look, 30);
  };
  look();
})
"""
_VARIABLES = "document.querySelector('.graphiql-editor-tool .CodeMirror').CodeMirror.getValue()"


def button(text: str, scope: str = "button") -> str:
    """JavaScript that finds a button by its words."""
    return f"[...document.querySelectorAll('{scope}')].find(e => e.innerText.trim() === '{text}')"


async def ready(page: Page) -> None:
    """Wait until the editor is there and knows the schema."""
    await page.appears(_SCHEMA)


async def sign_in_as(page: Page, role: str) -> None:
    """Press the one button that signs in as a demo account of this role.

    Two answers end it: who one is now, and the schema as seen by them.
    """
    before = await page.evaluate(_ANSWERS)
    await page.click(button(role, ".chip"))
    await page.appears(f"document.querySelector('[data-testid=who] small')?.innerText==='{role}'")
    await page.until(f"{_ANSWERS} >= {before + 2}")


async def run(page: Page, operation: str) -> None:
    """Choose an operation of the open tab and start it. Stops a running one before."""
    if await page.evaluate("Boolean(document.querySelector('[aria-label^=\"Stop query\"]'))"):
        await page.click("document.querySelector('.graphiql-execute-button')")
        await page.appears("document.querySelector('[aria-label^=\"Execute query\"]')")
    await page.click("document.querySelector('.graphiql-execute-button')")
    # A press may miss an item of a menu that is still opening; a person presses again.
    for _ in range(3):
        await page.click(button(operation, "[role=menuitem]"))
        if await page.evaluate(_MENU_CLOSES):
            return
    raise AssertionError(f"the menu with {operation} in it stays open")


async def answer(page: Page, expression: str) -> Any:
    """Wait until the answer satisfies an expression over `data`; what the expression gives."""
    guarded = f"(() => {{ try {{ const data = JSON.parse({_ANSWER}).data; return {expression}; }}"
    return await page.until(f"{guarded} catch {{ return null; }} }})()")


async def variables(page: Page, condition: str) -> Any:
    """Wait until the variables editor satisfies a condition over `variables`; its content."""
    await page.until(f"(variables => {condition})(JSON.parse({_VARIABLES}))")
    return json.loads(await page.evaluate(_VARIABLES))
