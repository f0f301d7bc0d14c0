"""Files that come with a product: a booklet, stems, a wallpaper."""
