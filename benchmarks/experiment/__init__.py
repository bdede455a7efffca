"""The prototype's client and server beside the SDK's, image by image over the same emulated link."""
