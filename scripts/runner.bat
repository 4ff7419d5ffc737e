@echo off
rem Run a script against Virtual Iron's manager, or with --lab against the fakes: see :usage below.
setlocal EnableExtensions DisableDelayedExpansion
for %%R in ("%~dp0..") do set "ROOT=%%~fR"
set "SCRIPT="
set "LAB="
set "HELP="

rem cmd takes "=" for a space between words, unless the whole word is quoted: both forms are read here.
:next
set "WORD=%~1"
if not defined WORD goto parsed
if "%WORD%"=="--lab" set "LAB=yes"
if "%WORD:~0,6%"=="--lab=" set "LAB=yes"
if "%WORD%"=="--help" set "HELP=yes"
if "%WORD%"=="-h" set "HELP=yes"
if "%WORD%"=="--inputfile" set "SCRIPT=%~2"
if "%WORD:~0,12%"=="--inputfile=" set "SCRIPT=%WORD:~12%"
shift
goto next

:parsed
if defined SCRIPT goto script
if defined HELP goto usage
>&2 echo runner.bat: --inputfile=SCRIPT is missing; --help shows an example
exit /b 2

:script
if not exist "%SCRIPT%" (
    >&2 echo runner.bat: --inputfile: there is no file "%SCRIPT%"
    exit /b 2
)
if defined LAB goto lab
if defined VIRTUALIRON_HOME goto manager
if defined HELP goto lab
>&2 echo runner.bat: no manager: set VIRTUALIRON_HOME, or add --lab to run against the fakes
exit /b 7

:lab
set "PYTHON="
if defined VIBACKUP_PYTHON (
    call :try "%VIBACKUP_PYTHON%"
) else (
    for %%P in (python3 python python2.7 jython) do call :try %%P
)
if not defined PYTHON (
    >&2 echo runner.bat: no interpreter runs here; install Python, or name another one in VIBACKUP_PYTHON
    exit /b 7
)
if defined PYTHONPATH (set "PYTHONPATH=%ROOT%;%PYTHONPATH%") else set "PYTHONPATH=%ROOT%"
if defined JYTHONPATH (set "JYTHONPATH=%ROOT%;%JYTHONPATH%") else set "JYTHONPATH=%ROOT%"
rem Not "-m fakes": that would import from the user's current folder first.
"%PYTHON%" -c "import sys; sys.path[:] = [sys.argv.pop(1)] + [folder for folder in sys.path if folder]; import runpy; runpy.run_module('fakes', run_name='__main__', alter_sys=True)" "%ROOT%" run %*
exit /b %ERRORLEVEL%

rem Running is the only proof: "python3" may be the stub that opens the Microsoft Store.
:try
if defined PYTHON exit /b
call "%~1" -c pass >nul 2>nul
if not errorlevel 1 set "PYTHON=%~1"
exit /b

:manager
set "JARS="
if exist "%VIRTUALIRON_HOME%\*.jar" call :add "%VIRTUALIRON_HOME%\*"
for /d /r "%VIRTUALIRON_HOME%" %%D in (*) do if exist "%%D\*.jar" call :add "%%D\*"
if not defined JARS (
    >&2 echo runner.bat: VIRTUALIRON_HOME: there is no jar below "%VIRTUALIRON_HOME%"
    exit /b 7
)
set "JYTHON=%JYTHON_JAR%"
for /r "%VIRTUALIRON_HOME%" %%J in (jython*.jar) do call :jython "%%J"
if not exist "%JYTHON%" (
    >&2 echo runner.bat: no Jython 2.7; name its jar in JYTHON_JAR
    exit /b 7
)
for %%J in ("%JYTHON%") do set "JYTHON_HOME=%%~dpJ."
if defined JYTHONPATH (set "PACKAGES=%ROOT%;%JYTHONPATH%") else set "PACKAGES=%ROOT%"
rem A cache for this run alone: Jython takes one that another run is still filling for a whole one.
set "TRIED=0"
:cache
set "CACHE=%TEMP%\vibackup-%RANDOM%%RANDOM%"
set /a TRIED+=1
mkdir "%CACHE%" 2>nul
if not errorlevel 1 goto jython_runs
if %TRIED% lss 100 goto cache
>&2 echo runner.bat: no folder can be made below "%TEMP%"
exit /b 7

:jython_runs
rem Jython comes first: the manager's jars may hold an older one, or an older copy of what it needs.
java -cp "%JYTHON%%JARS%" "-Dpython.home=%JYTHON_HOME%" "-Dpython.path=%PACKAGES%" "-Dpython.cachedir=%CACHE%" -Dpython.cachedir.skip=false org.python.util.jython "%SCRIPT%" %*
set "STATUS=%ERRORLEVEL%"
rmdir /s /q "%CACHE%"
exit /b %STATUS%

:add
set "JARS=%JARS%;%~1"
exit /b

:jython
if defined JYTHON exit /b
for /f "tokens=1,2" %%A in ('java -cp "%~1" org.python.util.jython --version 2^>^&1') do call :version %1 "%%A %%B"
exit /b

:version
set "WORD=%~2"
if "%WORD:~0,10%"=="Jython 2.7" set "JYTHON=%~1"
exit /b

:usage
echo Usage: runner.bat --inputfile=SCRIPT [options of the script]
echo.
echo   --lab        run it in a lab that is gone at exit; no Virtual Iron is needed
echo   --lab=DIR    run it in the lab kept in DIR
echo   --help       with --inputfile: the script's own help
echo.
echo Without --lab it runs under Jython against the manager whose client jars lie below VIRTUALIRON_HOME.
echo.
echo   VIRTUALIRON_HOME   where the manager's jars are
echo   JYTHON_JAR         the jar of Jython 2.7 (else one below VIRTUALIRON_HOME)
echo   VIBACKUP_PYTHON    the interpreter of the lab (else python3, python, python2.7 or jython)
echo.
echo Example: scripts\runner.bat --inputfile=scripts\proxyBackup.py --lab --vs=web01 --proxy=pbh01 --agent=dd
exit /b 0
