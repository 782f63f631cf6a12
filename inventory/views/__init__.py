"""The pages. Each view returns its page, or only the page's fragment when HTMX asks."""
