"""What builds the images: `images/build`. Standard library only: it runs before anything is installed."""
