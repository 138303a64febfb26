"""ctkFittedTextBrowser: a text browser as high as its text, which may fold all but its first line away."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, QSize, QUrl
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QSizePolicy, QTextBrowser, QWidget

from Testing.host.widgets.properties import held

_MORE, _LESS = "show_details", "hide_details"


def _renew(browser: Any) -> None:
    browser._show_text()


class ctkFittedTextBrowser(QTextBrowser):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        self._is_html = False
        self._is_collapsed = True
        self.textChanged.connect(self.updateGeometry)
        self.anchorClicked.connect(self._on_link)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    disableMouseScroll = held(bool, False)
    showDetailsText = held(str, "Show details...", _renew)
    hideDetailsText = held(str, "Hide details.", _renew)

    def _folded(self) -> bool:
        return self._is_collapsed

    def _fold(self, collapsed: bool) -> None:
        if collapsed != self._is_collapsed:
            self._is_collapsed = collapsed
            self._show_text()

    collapsed = Property(bool, _folded, _fold)

    def collapsibleText(self) -> str:
        return self._whole

    def setCollapsibleText(self, text: str) -> None:
        self._set_whole(text, html="<html>" in text)

    def setCollapsibleHtml(self, text: str) -> None:
        self._set_whole(text, html=True)

    def setCollapsiblePlainText(self, text: str) -> None:
        self._set_whole(text, html="<html>" in text)

    def _set_whole(self, text: str, *, html: bool) -> None:
        self._whole, self._is_html = text, html
        self._show_text()

    def _show_text(self) -> None:
        teaser, found, rest = self._whole.partition("<br>" if self._is_html else "\n")
        if not found:
            self.setHtml(self._whole)
            return
        if self._is_collapsed:
            shown = f'{teaser}&hellip; <a href="#{_MORE}">{self.showDetailsText}</a>'
            self.setHtml(shown if self._is_html else f"<html>{shown}</html>")
            return
        link = f' <a href="#{_LESS}">{self.hideDetailsText}</a>'
        whole = teaser + (rest if self._is_html else rest.replace("\n", "<br>"))
        for closing in ("</body>", "</html>"):
            if closing in whole:
                self.setHtml(whole.replace(closing, link + closing, 1))
                return
        self.setHtml(whole + link)

    def _on_link(self, link: QUrl) -> None:
        if not link.path() and link.fragment() in (_MORE, _LESS):
            self._fold(link.fragment() == _LESS)

    def heightForWidth(self, width: int) -> int:
        document = self.document()
        before, frame = document.textWidth(), 2 * self.frameWidth()
        bar = self.horizontalScrollBar()
        scroll_bar = bar.height() + frame if bar.isVisible() else 0
        document.setTextWidth(width - frame)
        text = int(document.documentLayout().documentSize().height()) + frame
        document.setTextWidth(before)
        line = QFontMetrics(document.defaultFont()).lineSpacing() + frame
        return max(text, line) + scroll_bar

    def minimumSizeHint(self) -> QSize:
        width = self.size().width()
        return QSize(width, self.heightForWidth(width)) if width else super().minimumSizeHint()

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        if event.size().height() != self.heightForWidth(event.size().width()):
            self.updateGeometry()

    def wheelEvent(self, event: Any) -> None:
        if not self.disableMouseScroll:
            super().wheelEvent(event)
