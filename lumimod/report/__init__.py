"""The site and the PDF of a season: pages that show what results, pictures and states there are.

In: the season table, the states of the steps, pictures and diaries of fills.
Out: `SB_analysis/report/`: `index.html`, a page a fill, small pictures; a PDF of chosen fills.
May import: everything below.
To add a column of the index: its line in `index`; to the page of a fill: `fill_page` and its
template.
"""
