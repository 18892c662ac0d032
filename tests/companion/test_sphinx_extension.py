from anderson_ness.companion import sphinx_extension


def test_mathjax_comes_whole(tmp_path):
    sphinx_extension.write_mathjax(tmp_path)
    folder = tmp_path / sphinx_extension.MATHJAX
    assert b"MathJax" in (folder / "tex-chtml.js").read_bytes()
    assert "Apache License" in (folder / "LICENSE").read_text()
    fonts = list((folder / "output" / "chtml" / "fonts").rglob("*.woff"))
    assert len(fonts) > 20
    assert all(font.read_bytes()[:4] == b"wOFF" for font in fonts)


def test_absolute_values_survive_in_docstrings():
    assert sphinx_extension.escape_bars("of |G| and ``|G|`` and \\|x\\|") == "of \\|G\\| and ``|G|`` and \\|x\\|"
