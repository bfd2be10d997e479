"""What is taken from an HTTP answer while it is parsed: status, headers, body, and whether each of them is whole."""

import httptools


class Heard:
    """The parser's callbacks. `keeps_body`: whether the body is wanted; it can be changed while the answer comes."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.headers: dict[str, str] = {}
        self.status = 0
        self.body: list[bytes] = []
        self.keeps_body = True
        self.head_done = self.complete = False

    def feed(self, data: bytes) -> None:
        """Take what came. Raises httptools.HttpParserError, HttpParserUpgrade."""
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        self.head_done = True
        self.status = self._parser.get_status_code()

    def on_body(self, block: bytes) -> None:
        """Called by the parser."""
        if self.keeps_body:
            self.body.append(block)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self.complete = True
