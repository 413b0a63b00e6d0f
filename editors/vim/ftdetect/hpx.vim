" Vim itself takes this ending for another language.
autocmd BufNewFile,BufRead *.rcp set filetype=hpx
