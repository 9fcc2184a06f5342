"""Sets a collective invoice as a PDF: a line per article, each with its bar code, page by page."""
import datetime
import random

from reportlab.graphics import renderPDF
from reportlab.graphics.barcode import eanbc
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

_LINES = 1080
_LINES_PER_PAGE = 24
_PAGES = -(-_LINES // _LINES_PER_PAGE)
_VAT = 20  # percent

_WIDTH, _HEIGHT = A4
_LEFT, _RIGHT = 20 * mm, _WIDTH - 20 * mm
_CODE, _QUANTITY, _PRICE = 98 * mm, 142 * mm, 166 * mm  # bar code from here; figures up to here
_TOP, _PITCH = _HEIGHT - 78 * mm, 7.5 * mm
_INK, _QUIET, _RULE = HexColor("#1d2130"), HexColor("#667085"), HexColor("#d5d9e2")

_MATERIALS = ["Oak", "Walnut", "Steel", "Linen", "Glass", "Cork"]
_THINGS = ["desk lamp", "shelf, narrow", "office chair", "paper tray", "wall clock", "standing desk", "notice board", "coat rack"]


class Renderer:
    """Called with a job and its reporter. The file appears under its name only when it is whole."""

    def __init__(self, folder):
        self._folder = folder

    def __call__(self, job, reporter):
        target = self._folder / f"{job.id}.pdf"
        unfinished = target.with_suffix(f".{job.attempt}.part")
        try:
            _render(unfinished, job, reporter)
            unfinished.rename(target)
        finally:
            unfinished.unlink(missing_ok=True)
        return {"url": f"/files/{target.name}", "pages": _PAGES, "bytes": target.stat().st_size}


def _lines(job_id):
    """(article, EAN without its check digit, quantity, price in cents), the same at every attempt."""
    chance = random.Random(job_id)
    for _ in range(_LINES):
        article = f"{chance.choice(_MATERIALS)} {chance.choice(_THINGS)}"
        yield article, f"40{chance.randrange(10**10):010d}", chance.randint(1, 12), chance.randint(495, 89_900)


def _render(path, job, reporter):
    canvas = Canvas(str(path), pagesize=A4)
    canvas.setTitle("Collective invoice")
    lines = _lines(job.id)
    net = 0
    reporter.step("Setting pages", _PAGES, "pages")
    for page in range(1, _PAGES + 1):
        _head(canvas, job, page)
        y = _TOP
        for _, (article, ean, quantity, price) in zip(range(_LINES_PER_PAGE), lines):
            _line(canvas, y, article, ean, quantity, price)
            net += quantity * price
            y -= _PITCH
            reporter.progress(page - 1, _PAGES, "pages", f"Page {page} of {_PAGES}")  # a page takes long enough to be cancelled in
        if page < _PAGES:
            _amount(canvas, y - 3 * mm, "Carried over", net)
        else:
            _totals(canvas, y - 3 * mm, net)
        canvas.showPage()
    reporter.step("Writing the file", _PAGES, "pages", current=_PAGES)
    canvas.save()


def _head(canvas, job, page):
    canvas.setFillColor(_INK)
    canvas.setFont("Helvetica-Bold", 20)
    canvas.drawString(_LEFT, _HEIGHT - 28 * mm, "Invoice")
    canvas.setFont("Helvetica", 9)
    canvas.setFillColor(_QUIET)
    for row, text in enumerate((f"No. {job.id[-8:].upper()}", f"{datetime.date.today():%d %B %Y}", f"Page {page} of {_PAGES}")):
        canvas.drawRightString(_RIGHT, _HEIGHT - (25 + 5 * row) * mm, text)
    for row, text in enumerate(("Example Office Supplies", "12 Market Street, Springfield", "to: Harbour Tea, 3 Quay Road, Newport")):
        canvas.drawString(_LEFT, _HEIGHT - (38 + 5 * row) * mm, text)
    y = _TOP + 9 * mm
    canvas.setFont("Helvetica-Bold", 8)
    canvas.drawString(_LEFT, y, "Article")
    canvas.drawString(_CODE, y, "EAN")
    for right, text in ((_QUANTITY, "Quantity"), (_PRICE, "Price"), (_RIGHT, "Amount")):
        canvas.drawRightString(right, y, text)
    canvas.setStrokeColor(_RULE)
    canvas.line(_LEFT, y - 2.5 * mm, _RIGHT, y - 2.5 * mm)


def _line(canvas, y, article, ean, quantity, price):
    canvas.setFont("Helvetica", 9)
    canvas.setFillColor(_INK)
    canvas.drawString(_LEFT, y, article)
    drawing = Drawing(30 * mm, 5 * mm)
    drawing.add(eanbc.Ean13BarcodeWidget(ean, barHeight=5 * mm, barWidth=0.26 * mm, humanReadable=False, quiet=False))
    renderPDF.draw(drawing, canvas, _CODE, y - 1.2 * mm)
    canvas.drawRightString(_QUANTITY, y, str(quantity))
    canvas.drawRightString(_PRICE, y, _money(price))
    canvas.drawRightString(_RIGHT, y, _money(quantity * price))


def _totals(canvas, y, net):
    vat = net * _VAT // 100
    _amount(canvas, y, "Net", net)
    _amount(canvas, y - 6 * mm, f"VAT {_VAT}%", vat)
    canvas.setStrokeColor(_RULE)
    canvas.line(_QUANTITY, y - 9 * mm, _RIGHT, y - 9 * mm)
    _amount(canvas, y - 14 * mm, "To pay, EUR", net + vat, bold=True)


def _amount(canvas, y, label, cents, bold=False):
    canvas.setFont("Helvetica-Bold" if bold else "Helvetica", 9)
    canvas.setFillColor(_INK if bold else _QUIET)
    canvas.drawRightString(_PRICE, y, label)
    canvas.drawRightString(_RIGHT, y, _money(cents))


def _money(cents):
    return f"{cents / 100:,.2f}"
