"""What the pages of the documentation take from the program itself, as Markdown.

`<!-- generated: NAME -->` in a page stands for what `hook.PARTS[NAME]` returns. It is put in when
the site is built and kept nowhere, so that it cannot be out of date.
"""
