import html
import json
import re
import shutil
import struct
import subprocess
import tempfile
import zlib
from pathlib import Path

import pandas as pd
import pytest
from lying import PROVENANCE, path_of
from test_table1 import _metrics
from told import claim, row

from linvae.claims.catalogue import CLAIMS, QUESTIONS
from linvae.faults import KEY
from linvae.files import DamagedFileError, write_csv, write_json
from linvae.inputs import Inputs
from linvae.naming import Product, Run
from linvae.report.captions import caption
from linvae.report.comparison import comparison_text
from linvae.report.document import claims_text
from linvae.report.finished import FinishedStudy
from linvae.report.page import page_text
from linvae.report.summary import summary_text
from linvae.study.figures import FIGURES
from linvae.tables.table1 import run_table, sigma_table

ROOT = Path(__file__).resolve().parents[2]
CAPTIONS = (ROOT / "workflow" / "report" / "figure.rst").read_text(encoding="utf-8")
TEMPLATE = (ROOT / "workflow" / "report" / "page.html").read_text(encoding="utf-8")
CHROMIUM = shutil.which("chromium")
# What a script in a copy of the page finds in a browser.
PROBE = """<script>addEventListener("load", () => {
const images = [...document.images];
const told = {
  text: document.body.innerText,
  images: images.length,
  loaded: images.filter(image => image.complete && image.naturalWidth > 0).length,
  asked: performance.getEntriesByType("resource").map(entry => entry.name),
  wide: document.documentElement.scrollWidth - innerWidth,
};
document.documentElement.innerHTML = "<body><pre></pre></body>";
document.querySelector("pre").textContent = JSON.stringify(told);
});</script>"""
COMPUTED = {
    "commit": "0123abc",
    "clean": True,
    "versions": {"python": "3.11", "torch": None},
    "platform": {"system": "Linux", "release": "6", "machine": "x86_64", "byteorder": "little"},
    "runs": 1,
}
STUDY = {
    "name": "mine",
    "configuration": {"name": "mine", "threads": 1},
    "device": "cpu",
    "data": {
        "label": "made-up images",
        "n_train": 4000,
        "n_test": 1000,
        "location": "a folder",
        "note": "",
        "source": "local",
        "files": [],
        "train_sha256": "abc123",
        "test_sha256": "def456",
    },
    "computed": [COMPUTED],
}
SETTINGS = {
    "cpu_seconds": 7200.0,
    "figures": {
        name: {"question": source.question, "title": source.title}
        for name, source in FIGURES.items()
    },
    "tables": {
        "table1_sigma": {
            "title": "Deep VAEs",
            "settings": {"module": "table1", "measurement": {"epsilon": 0.01}},
        }
    },
}
RUN = Run("deep", "mnist-logit-first9", 5, "fixed-10", 0)


def png(width=1500, height=4):
    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def judged(of):
    """A claim of each kind; the one of a name that HTML could take for its own."""
    number = of.number
    verdict = ("supported", "not supported", "inconclusive")[number % 3]
    answer = ("yes", "no", "undecided")[number % 3]
    rows = [
        row("what <b> it is", subject=f"deep-{number}", answer=answer, margin=2.0, main=True),
        row("reported alone", split="test"),
    ]
    if answer == "undecided":
        rows[0] = rows[0].but(settles="another seed")
    told = claim(number, verdict, rows, sentence=f"Number {number} <i>.")
    told |= {"question": of.question, "shown_in": list(of.shown_in)}
    return told | {"claim": f"Claim text {number} <b>"}


@pytest.fixture
def files(tmp_path):
    """Paths of a finished study, with a table of one run."""
    content = {
        path_of(Product("metrics.json", run=RUN)): _metrics(-90.0, 10.0, 10.0),
        path_of(Product("claims.json")): [judged(one) for one in CLAIMS],
        path_of(Product("study.json")): STUDY,
        PROVENANCE: STUDY["data"],
    }
    for name, told in content.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(told))
    paths = [tmp_path / name for name in content]
    for figure in FIGURES:
        paths.append(tmp_path / path_of(Product(f"{figure}.png")))
        paths[-1].parent.mkdir(parents=True)
        paths[-1].write_bytes(png())
    table = sigma_table(run_table(Inputs([str(paths[0])]), 0.01))
    paths.append(tmp_path / path_of(Product("table1_sigma.csv")))
    write_csv(paths[-1], table)
    return [str(path) for path in paths]


def rendered(files):
    return page_text(Inputs(files), CAPTIONS, TEMPLATE, SETTINGS)


def test_the_page_holds_answers_claims_figures_table_and_provenance(files):
    page = rendered(files)
    for key, question in QUESTIONS.items():
        assert f'id="answer{key}"' in page
        assert question.split("sigma^2")[0] in html.unescape(page)
    for one in CLAIMS:
        assert f"Claim text {one.number} &lt;b&gt;" in page
        assert f"Number {one.number} &lt;i&gt;." in page
        assert f'id="claim{one.number}"' in page
        assert f'<th scope="row">deep-{one.number}</th>' in page
    # Four of them on the cards, too.
    assert page.count("data:image/png;base64,") == len(FIGURES) + len(QUESTIONS)
    told = ("made-up images", "abc123", "def456", "0123abc", "120 CPU minutes")
    for text in (*told, "torch (not installed)", "Linux 6, x86_64"):
        assert text in page
    assert "−90" in page
    assert "It takes another seed." in page
    # The same study, the same bytes.
    assert rendered(files) == page


def test_every_link_stays_on_the_page_and_leads_somewhere(files):
    page = rendered(files)
    links = re.findall(r'<a [^>]*href="([^"]*)"', page)
    anchors = re.findall(r' id="([^"]*)"', page)
    assert len(anchors) == len(set(anchors))
    assert len(links) > 50
    assert {link.removeprefix("#") for link in links} <= set(anchors)
    assert all(link.startswith("#") for link in links)
    for name in FIGURES:
        for one in CLAIMS:
            if name.split("_")[0] in one.shown_in:
                assert f'href="#claim{one.number}"' in page


def test_a_claim_of_rows_alone_stands_wherever_claims_do(files, tmp_path):
    """A claim that no module but its own knows: no edit beside it makes it seen."""
    added = claim(
        99, "inconclusive",
        [row("a new quantity", subject="a new recipe", condition="sigma^2 = 7", split="test",
             unit="nats", answer="undecided", settles="a new run", margin=2.0, main=True)],
        sentence="Nobody asked before.", question=2, shown_in=["fig9"],
    )  # fmt: skip
    (path,) = (path for path in files if path.endswith("claims.json"))
    claims = [*json.loads(Path(path).read_text()), added]
    Path(path).write_text(json.dumps(claims))
    page = html.unescape(rendered(files))
    (article,) = re.findall(r'<article[^>]* id="claim99".*?</article>', page, re.DOTALL)
    for text in ("Nobody asked before.", "a new quantity", "a new recipe", "figure 9"):
        assert text in article
    assert "It takes a new run." in page
    assert article in page.partition('id="question2"')[2].partition('id="question3"')[0]
    assert 'href="#claim99"' in page.partition('id="fig9"')[2].partition("</figure>")[0]
    summary = summary_text(Inputs(files), {"name": "x", "epsilon": 0.01})
    question = summary.partition("## 2. ")[2].partition("## 3. ")[0]
    assert "Claim 99, **inconclusive**. Nobody asked before." in question
    document = claims_text(claims, "images", "x")
    assert "a new recipe" in document.partition("## 99. Claim text 99")[2]
    write_json(tmp_path / "kept" / "claims.json", claims)
    write_json(tmp_path / "kept" / "study.json", {"name": "kept", "data": {"label": "images"}})
    side_by_side = comparison_text([FinishedStudy.read(tmp_path / "kept")])
    assert "a new quantity" in side_by_side.partition("## Claim 99. Claim text 99")[2]


def test_nothing_is_asked_for_from_outside(files):
    page = re.sub(r"data:image/png;base64,[^\"]*", "", rendered(files))
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href)=["']?(?!#|data:,|["'])|url\(|@import|<script""", page)


def rendered_of(files, **changes):
    """The page of a study whose record says something else."""
    (study,) = (path for path in files if path.endswith("study.json"))
    Path(study).write_text(json.dumps(STUDY | changes))
    return rendered(files)


def test_what_to_make_of_the_study_is_said_at_its_head(files):
    note = "Its numbers mean <nothing>."
    assert 'class="warning"' not in rendered(files)
    page = rendered_of(files, configuration=STUDY["configuration"] | {"note": note})
    assert html.escape(note) in page.partition("<nav")[0]


def test_runs_that_were_computed_with_the_same_are_told_of_once(files):
    page = rendered(files)
    assert "Not all runs were computed with the same" not in page
    assert page.count("<dt>computed with</dt>") == page.count("python 3.11") == 1
    assert "1 run: " not in page


def test_runs_that_were_computed_with_something_else_are_told_of_apart(files):
    most = COMPUTED | {"runs": 12}
    other = COMPUTED | {"commit": None, "clean": None, "versions": {"python": "3.12"}}
    page = rendered_of(files, computed=[most, other])
    assert "Not all runs were computed with the same</strong>: 2 groups of runs differ" in page
    groups = re.findall(r"<dt>(computed with|)</dt><dd>(.*)</dd>", page)
    assert [title for title, _ in groups] == ["computed with", ""]
    first, second = (re.sub("<[^>]*>", "", text) for _, text in groups)
    assert first.startswith("12 runs: commit 0123abc; python 3.11, torch (not installed); Linux 6")
    assert second.startswith("1 run: no commit: not a checkout of its own; python 3.12; Linux 6")


def test_code_with_changes_is_told_as_such(files):
    told = "commit <code>0123abc</code>, with changes that are not committed"
    assert told not in rendered(files)
    assert told in rendered_of(files, computed=[COMPUTED | {"clean": False}])


def test_a_run_that_could_not_be_measured_is_named_at_the_head(files):
    other = Run("deep", "mnist-logit-first9", 5, "fixed-10", 1)
    path = Path(files[0].replace("/seed0/", "/seed1/"))
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({KEY: "ELBO not finite <nan>"}))
    head = rendered([*files, str(path)]).partition("<section")[0]
    assert str(other) in head
    assert "ELBO not finite &lt;nan&gt;" in head


def test_a_study_without_table_and_figures_has_a_page(files):
    kept = [path for path in files if path.endswith(".json")]
    page = rendered(kept)
    assert 'id="table1"' not in page
    assert "<figure" not in page


def test_a_figure_that_is_none_is_named(files):
    broken = next(path for path in files if path.endswith("fig8_collapse_fixed.png"))
    Path(broken).write_text("no picture")
    with pytest.raises(DamagedFileError, match="fig8_collapse_fixed"):
        rendered(files)


def test_verdicts_are_told_by_words_and_not_by_colour_alone(files):
    badges = re.findall(
        r'class="badge [^>]*><span aria-hidden="true">(.)</span> ([^<]*)', rendered(files)
    )
    assert {sign for sign, _ in badges} == {"✓", "✗", "?"}
    for sign, words in badges:
        name = {"✓": "supported", "✗": "not supported", "?": "inconclusive"}[sign]
        assert words.lstrip("0123456789 ") == name


def test_evidence_is_a_table_with_heads_words_and_hidden_pictures(files):
    page = rendered(files)
    tables = re.findall(r'<table class="data evidence">.*?</table>', page, re.DOTALL)
    assert len(tables) == len(CLAIMS)
    for table in tables:
        heads = re.findall(r"<th>([^<]*)</th>", table)
        assert heads == ["of", "what", "where", "measured", "held against", "says"]
        assert table.count("<svg") == table.count('aria-hidden="true"') == 2
        assert "reported" in table
    assert {word for table in tables for word in ("yes", "no", "open") if f" {word}</td>" in table}
    assert "what &lt;b&gt; it is" in tables[0]


def test_what_is_ascribed_to_the_paper_says_whether_it_was_checked(files):
    (path,) = (path for path in files if path.endswith("claims.json"))
    told = json.loads(Path(path).read_text())
    told[0] |= {"made_by": "paper", "checked": "from memory"}
    Path(path).write_text(json.dumps(told))
    assert "Made by: paper (in our words and from memory" in rendered(files)
    assert "Made by: this project." in rendered(files)


def test_a_claim_that_was_not_run_has_a_sentence_and_no_table(files):
    (path,) = (path for path in files if path.endswith("claims.json"))
    told = json.loads(Path(path).read_text())
    told[0] = claim(1, "inconclusive", rows=[], sentence="Not run: study.linear is null.")
    Path(path).write_text(json.dumps(told))
    page = rendered(files)
    article = page.split('id="claim1"')[1].split("</article>")[0]
    assert "Not run: study.linear is null." in article
    assert "<table" not in article


@pytest.mark.parametrize("figure", FIGURES)
def test_captions_are_html(figure):
    text = caption(CAPTIONS, figure)
    assert text.startswith("<p>")
    assert ":math:" not in text
    assert "system-message" not in text


def test_the_table_stands_as_it_is_shown_elsewhere(files):
    page = rendered(files)
    assert "fixed 10" in page
    assert "1 of 1" not in page.split('id="table1"')[1].split("</table>")[0]
    assert len(pd.read_csv(files[-1])) == 1


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize("width", [1280, 800])
def test_in_a_browser_answers_are_text_images_load_and_nothing_is_fetched(files, tmp_path, width):
    page = rendered(files)
    assert "<script" not in page
    # The page allows no script, so the probe's copy has no such policy.
    copy = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    (tmp_path / "page.html").write_text(copy.replace("</body>", f"{PROBE}</body>"))
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run(
            [
                CHROMIUM,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                f"--user-data-dir={profile}",
                f"--window-size={width},1000",
                "--dump-dom",
                (tmp_path / "page.html").as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=300,
        )
    found = re.search(r"<pre>(.*)</pre>", done.stdout, flags=re.DOTALL)
    assert found, done.stderr[-2000:]
    told = json.loads(html.unescape(found[1]))
    for key in QUESTIONS:
        assert f"{key}. " in told["text"]
    assert told["text"].count("Number 1 <i>.") >= 2
    assert told["images"] == told["loaded"] == len(FIGURES) + len(QUESTIONS)
    assert [name for name in told["asked"] if not name.startswith("data:")] == []
    assert told["wide"] <= 0
