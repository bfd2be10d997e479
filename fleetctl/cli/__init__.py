"""One Typer module per noun: parse, call an action, render."""
