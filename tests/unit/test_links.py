from linvae.config.links import dangling_link


def test_a_folder_that_is_there_or_not_yet_is_well(tmp_path):
    assert dangling_link(tmp_path / "results") is None
    (tmp_path / "results" / "train").mkdir(parents=True)
    assert dangling_link(tmp_path / "results") is None


def test_a_link_to_a_folder_is_well(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "results").symlink_to("disk")
    assert dangling_link(tmp_path / "results") is None


def test_a_link_that_leads_nowhere_is_named_with_its_end(tmp_path):
    (tmp_path / "results").symlink_to("/nowhere/at/all")
    told = dangling_link(tmp_path / "results")
    assert told.startswith(f"{tmp_path / 'results'} is a link to /nowhere/at/all, which is not")
    assert "\n" not in told


def test_so_is_one_directly_inside(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "train").symlink_to(tmp_path / "gone")
    assert f"{tmp_path / 'results' / 'train'} is a link to" in dangling_link(tmp_path / "results")


def test_a_file_in_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "results").write_text("")
    assert "results is a file" in dangling_link(tmp_path / "results")
