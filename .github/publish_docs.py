"""Put a build of the documentation into the folder of the published pages.

    python .github/publish_docs.py HTML SITE VERSION ADDRESS

HTML is what `make docs` built and SITE a checkout of the branch gh-pages. The pages go
to SITE/VERSION, where VERSION is "dev" or a release such as "0.1.0". SITE/stable is a
copy of the newest release. SITE/switcher.json lists what is there, for the theme's menu
of versions; its links begin with ADDRESS. The first page leads to the newest release,
or to "dev" if there is none.
"""

import json
import re
import shutil
import sys
from pathlib import Path

REDIRECT = '<!doctype html><meta http-equiv="refresh" content="0; url={}/">\n'


def releases(site):
    """Versions of the releases in the folder, the newest first."""
    names = [path.name for path in site.iterdir() if path.is_dir()]
    names = [name for name in names if re.fullmatch(r"\d+\.\d+\.\d+", name)]
    return sorted(names, key=lambda name: tuple(map(int, name.split("."))))[::-1]


def replace(source, target):
    """Copy a folder; what was at the target is gone."""
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(source, target)


def switcher(found, address):
    """The entries of the theme's menu."""
    entries = [{"version": "dev", "url": f"{address}/dev/"}]
    for i, version in enumerate(found):
        entry = {"version": version, "url": f"{address}/{version}/"}
        if i == 0:
            entry["name"] = f"{version} (stable)"
            entry["url"] = f"{address}/stable/"
            entry["preferred"] = True
        entries.append(entry)
    return entries


def main(html, site, version, address):
    """Add one version to the published pages."""
    html, site = Path(html), Path(site)
    if version != "dev" and not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise SystemExit(f"{version!r}: expected 'dev' or a version such as '0.1.0'")
    replace(html, site / version)
    found = releases(site)
    if found:
        replace(site / found[0], site / "stable")
    entries = switcher(found, address.rstrip("/"))
    (site / "switcher.json").write_text(json.dumps(entries, indent=2) + "\n")
    (site / "index.html").write_text(REDIRECT.format("stable" if found else "dev"))
    (site / ".nojekyll").touch()  # folders that begin with "_" are pages as well


if __name__ == "__main__":
    main(*sys.argv[1:])
