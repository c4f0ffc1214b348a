-- That columns of a copied row are those of a live one.
({copied}) = ({live})
