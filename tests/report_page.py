"""What must hold for every report page (core/report/report_html.h); used by tests/cli and tests/http."""
import html.parser
import re

VOID = {"meta", "img", "br", "path", "circle", "rect"}  # the last three close themselves, in SVG
ALLOWED = {"html", "head", "title", "style", "body", "header", "main", "section", "h1", "h2", "h3", "p", "div", "span", "b",
           "bdi", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "svg",
           "text", "ul", "li", *VOID}
REFERENCES = {"src", "href", "action", "srcset", "data", "poster", "xlink:href", "background", "formaction"}


class Page(html.parser.HTMLParser):
    """Parses strictly: every element closed in turn, none that could run, none that could load."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.source, self.open, self.count, self.sources, self.words = source, [], {}, [], []
        self.feed(source)
        self.close()
        assert self.open == [], f"never closed: {self.open}"
        assert not re.search(r"https?:|//[a-z]|url\(|@import|javascript:", re.sub(r'"data:[^"]*"', "", source), re.I), \
            "refers to something outside"
        assert "nan" not in self.text.lower().split(), "a number that is none"

    def handle_starttag(self, tag, attributes):
        assert tag in ALLOWED, tag
        self.count[tag] = self.count.get(tag, 0) + 1
        for name, value in attributes:
            assert not name.startswith("on") and name != "style", (tag, name)
            if name in REFERENCES:
                assert re.fullmatch(r"data:image/(jpeg|png);base64,[A-Za-z0-9+/]+=*", value), (tag, name, value[:60])
                self.sources.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open and self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())
