" Recipes of hpx: `:make` lists what hpx check finds, `:%!hpx fmt -` lays the recipe out.
if exists('b:did_ftplugin')
  finish
endif
let b:did_ftplugin = 1

setlocal comments=:# commentstring=#\ %s
setlocal expandtab shiftwidth=2 softtabstop=2
setlocal makeprg=hpx\ check\ -q\ %:S
setlocal errorformat=hpx:\ %f:%l:%c:\ %m,%f:%l:%c:\ %m,%-G%.%#
let b:undo_ftplugin = 'setlocal comments< commentstring< expandtab< shiftwidth< softtabstop< makeprg< errorformat<'
