"""The page in a real Chromium, driven as a person would."""

from __future__ import annotations

from dataclasses import replace

from playwright.sync_api import expect

import chromium
import workspace
from backlabel.labels import reviews
from backlabel.storage import paths, tables
from backlabel.storage.rows import Match, Verdict
from chromium import press, tab_to

pytestmark = chromium.NEEDED


def is_at(page, name):
    """Wait until the pair of the TIFF `name` is shown and nothing is under way."""
    expect(page.locator("#name-tiff")).to_contain_text(name)
    chromium.settled(page)


def decided():
    """What stands in the file, by file name."""
    lines = reviews.read(paths.DECISIONS)
    return {one.TIFF_path.rpartition("/")[2]: one for one in lines}


def choices():
    return {name: one.decision.value for name, one in decided().items()}


def test_keys_alone_decide_all(page):
    expect(page.locator("#name-tiff")).to_contain_text("twin.tif")
    press(page, "a")
    is_at(page, "miss.tif")
    press(page, "w")
    page.keyboard.type("another field, x and a")
    press(page, "Enter", "x")
    is_at(page, "near.tif")
    press(page, "s")
    is_at(page, "sure.tif")
    press(page, "l")
    page.locator("#relabel-label").select_option("L2")
    page.locator("#relabel-why").fill("a film")
    press(page, "Enter")
    expect(page.locator("#said")).to_have_text("Nothing is left to be decided in this list.")
    assert choices() == {"miss.tif": "reject", "twin.tif": "accept", "sure.tif": "relabel"}
    found = decided()
    assert found["miss.tif"].why == "another field, x and a"
    assert (found["sure.tif"].label, found["sure.tif"].why) == ("L2", "a film")
    assert {one.who for one in found.values()} == {"Ada"}
    # A reason that was given once is offered.
    assert page.locator("#reasons option").first.get_attribute("value") == "a film"


def test_it_counts_what_is_left(page):
    expect(page.locator("#counts")).to_have_text("2 to look at; 4 of 4 undecided")
    press(page, "a")
    expect(page.locator("#counts")).to_have_text("1 to look at; 3 of 4 undecided")


def test_undo_by_key_until_nothing_is_left(page):
    press(page, "a")
    is_at(page, "miss.tif")
    press(page, "x")
    is_at(page, "near.tif")
    press(page, "u")
    is_at(page, "miss.tif")
    assert choices() == {"twin.tif": "accept"}
    press(page, "u")
    is_at(page, "twin.tif")
    press(page, "u")
    expect(page.locator("#said")).to_contain_text("Nothing to take back")
    assert choices() == {}


def test_keys_that_are_pressed_at_once_wait_for_their_pair(page):
    expect(page.locator("#name-tiff")).to_contain_text("twin.tif")
    press(page, "a", "x", "x")
    is_at(page, "sure.tif")
    assert choices() == {"twin.tif": "accept", "miss.tif": "reject", "near.tif": "reject"}


def test_every_line_in_sight_gets_its_small_picture(page):
    for image in page.locator(".row img").all():
        expect(image).not_to_have_js_property("naturalWidth", 0)


def test_mouse_alone(page):
    page.get_by_role("option").filter(has_text="near.tif").click()
    is_at(page, "near.tif")
    page.get_by_role("button", name="Reject x").click()
    is_at(page, "sure.tif")
    page.get_by_role("button", name="← Previous p").click()
    is_at(page, "near.tif")
    expect(page.locator("#decided")).to_have_text("Decided: reject by Ada")
    page.get_by_role("button", name="Undo u").click()
    expect(page.locator("#decided")).to_have_text("")
    assert choices() == {}


def test_a_reload_keeps_the_place_and_the_undo(page):
    press(page, "a")
    is_at(page, "miss.tif")
    press(page, "n")
    is_at(page, "near.tif")
    page.reload()
    is_at(page, "near.tif")
    press(page, "u")
    is_at(page, "twin.tif")
    assert choices() == {}


def test_two_tabs_see_each_other(inside, browser, page):
    other = chromium.review(browser, inside.root)
    expect(other.locator("#name-tiff")).to_contain_text("twin.tif")
    press(page, "x")
    is_at(page, "miss.tif")
    expect(other.locator("#decided")).to_have_text("Decided: reject by Ada")
    press(other, "a")
    is_at(other, "miss.tif")
    press(page, "u")  # what it had decided was decided anew
    expect(page.locator("#said")).to_contain_text("Nothing to take back")
    assert choices() == {"twin.tif": "accept"}


def test_tables_that_a_stage_writes_meanwhile_are_taken_up(page):
    press(page, "n")
    is_at(page, "miss.tif")
    press(page, "x")
    is_at(page, "near.tif")
    mapping = paths.mapping_path(None)
    rows = [
        replace(row, explained=0.41, reason="A later run.") if "miss" in row.TIFF_file else row
        for row in tables.read(mapping, Match)
    ]
    tables.write(mapping, Match, rows)
    expect(page.locator("#counts")).to_contain_text("1 asked again")
    is_at(page, "near.tif")  # the place is kept
    expect(page.locator(".row b").first).to_have_text("miss.tif")
    page.get_by_role("option").filter(has_text="miss.tif").click()
    expect(page.locator("#again")).to_contain_text("The scores were others when it was decided")
    expect(page.locator("#reason")).to_have_text("A later run.")


def test_the_runner_up_is_accepted_where_it_is_shown(page):
    expect(page.locator("#name-jpeg")).to_contain_text("L9 Tips")
    press(page, "r")
    expect(page.locator("#name-jpeg")).to_contain_text("Runner-up")
    press(page, "a")
    is_at(page, "miss.tif")
    assert (decided()["twin.tif"].decision, decided()["twin.tif"].label) == ("accept", "L1")


def test_every_jpeg_of_a_tiff_is_decided_on_one_page(page):
    lines = page.locator("#jpegs li")
    expect(lines).to_have_count(3)
    shown = []
    for _ in range(4):
        shown.append(page.locator("#name-jpeg").inner_text().split()[0])
        press(page, "r")
    assert shown == ["JPEG", "Runner-up", "Third", "JPEG"]
    expect(page.locator("#jpegs [aria-current] div")).to_contain_text("Runner-up, L1 Fibres")
    for image in lines.locator("img").all():
        expect(image).not_to_have_js_property("naturalWidth", 0)
    third = lines.nth(2)
    third.get_by_role("button", name="show").click()
    expect(page.locator("#name-jpeg")).to_contain_text(workspace.jpeg_path("L1", 4))
    press(page, "a")
    is_at(page, "miss.tif")
    made = decided()["twin.tif"]
    assert (made.JPEG_path, made.label) == (workspace.jpeg_path("L1", 4), "L1")
    press(page, "p")
    expect(third).to_contain_text("Accepted.")
    lines.nth(1).get_by_role("button", name="accept").click()
    is_at(page, "miss.tif")
    assert decided()["twin.tif"].JPEG_path == workspace.jpeg_path("L1", 1)


def test_a_tiff_without_a_jpeg_can_be_rejected_alone(page):
    mapping = paths.mapping_path(None)
    rows = [
        replace(row, JPEG_path=None, JPEG_sha256=None, verdict=Verdict.NO_CANDIDATE)
        if "miss" in row.TIFF_file
        else row
        for row in tables.read(mapping, Match)
    ]
    tables.write(mapping, Match, rows)
    page.reload()
    page.get_by_role("option").filter(has_text="miss.tif").click()
    is_at(page, "miss.tif")
    expect(page.locator("#name-jpeg")).to_have_text("no JPEG")
    expect(page.locator("#image-jpeg")).to_be_hidden()
    expect(page.locator("#accept")).to_be_disabled()
    press(page, "x")
    expect(page.locator("#said")).to_contain_text("rejected: miss.tif")


def test_what_is_accepted_is_what_was_seen(page):
    """A stage that finds another JPEG meanwhile takes nobody's decision to it."""
    page.route("**/api/changes*", lambda route: route.abort())  # the page learns nothing of it
    press(page, "n")
    is_at(page, "miss.tif")
    mapping = paths.mapping_path(None)
    other = workspace.jpeg_path("L1", 1)
    rows = [
        replace(row, JPEG_path=other) if "miss" in row.TIFF_file else row
        for row in tables.read(mapping, Match)
    ]
    tables.write(mapping, Match, rows)
    press(page, "a")
    expect(page.locator("#error")).to_contain_text("found other JPEGs for this TIFF")
    assert choices() == {}


def test_tiffs_that_share_a_jpeg_are_decided_on_one_page(page):
    page.get_by_role("option").filter(has_text="near.tif").click()
    is_at(page, "near.tif")
    page.get_by_role("button", name="accept data/tiff/a/twin.tif").click()
    expect(page.locator("#said")).to_have_text("accepted: twin.tif; dvc repro label applies it")
    is_at(page, "near.tif")
    assert (choices(), decided()["twin.tif"].label) == ({"twin.tif": "accept"}, "L1")


def test_all_of_a_list_with_a_preview_and_one_undo(page):
    page.get_by_label("Category").select_option("Tips")
    expect(page.locator("#shown")).to_have_text("2 pairs in this list")
    page.get_by_role("button", name="All of this list…").click()
    expect(page.locator("#bulk-count")).to_have_text(
        "2 undecided pairs: 1 ambiguous, 1 too different. Some of them:"
    )
    expect(page.locator("#bulk-samples li")).to_have_count(2)
    page.locator("#bulk-why").fill("the wrong detector")
    page.locator("#bulk-apply").click()
    expect(page.locator("#said")).to_contain_text("2 decided")
    assert choices() == {"twin.tif": "reject", "miss.tif": "reject"}
    press(page, "u")
    expect(page.locator("#said")).to_have_text("2 taken back")
    assert choices() == {}


def test_keys_work_while_all_of_a_list_is_decided(page):
    held = []

    def hold(route):
        held.append(route)

    page.route("**/api/bulk", hold)
    page.locator("#show-bulk").click()
    page.locator("#bulk-apply").click()
    expect(page.locator("#said")).to_have_text("Deciding all of them…")
    press(page, "n")
    is_at(page, "miss.tif")
    assert choices() == {}
    press(page, "u")  # what is to be undone is the decision under way
    held[0].continue_()
    expect(page.locator("#said")).to_have_text("4 taken back")
    expect(page.locator("#shown")).to_have_text("4 pairs in this list")
    assert choices() == {}


def test_all_of_a_list_without_a_mouse(page):
    tab_to(page, "show-bulk")
    press(page, "Enter")
    expect(page.locator("#bulk-apply")).to_be_enabled()
    tab_to(page, "bulk-apply")
    press(page, "Enter")
    expect(page.locator("#said")).to_contain_text("4 decided")
    press(page, "u")
    expect(page.locator("#said")).to_have_text("4 taken back")


def test_what_the_label_stage_will_change_is_shown(page):
    press(page, "a")
    is_at(page, "miss.tif")
    page.locator("#show-pending").click()
    expect(page.locator("#pending-steps li")).to_have_text(
        ["data/tiff/a/twin.tif is added to Tips (L9)"]
    )
    expect(page.locator("#pending-dialog")).to_contain_text("Run dvc repro label")


def test_a_server_that_is_gone_is_told_and_nothing_seems_decided(browser, project):
    with workspace.serving(project) as server:
        page = chromium.review(browser, server.url)
        expect(page.locator("#name-tiff")).to_contain_text("twin.tif")
    press(page, "a")
    expect(page.locator("#error")).to_contain_text("nothing was decided")
    expect(page.locator("#name-tiff")).to_contain_text("twin.tif")
    assert choices() == {}


def test_names_of_files_are_text(browser, project):
    hostile = "<img src=x onerror=alert(1)>.tif"
    pairs = [(f"a/{hostile}", "L1", 1)]
    workspace.make(project, pairs)
    workspace.write_tables(project, pairs)
    server = workspace.start(project, "review", "--who", "<b>Ada</b>")
    try:
        page = chromium.review(browser, workspace.address(server))
        expect(page.locator("#name-tiff")).to_contain_text(hostile)
        expect(page.locator(".who")).to_have_text("as <b>Ada</b>")
        expect(page.locator(".row b")).to_have_text([hostile])
    finally:
        server.kill()
        server.communicate()
