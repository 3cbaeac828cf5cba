using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Threading.Channels;

namespace Scheduler.Host.CommandLine;

/// <summary>
/// The whole terminal, for one picture after another, and the keys that are pressed meanwhile. However it ends, and also
/// while the process is stopped (Ctrl-Z), the terminal is as it was.
/// </summary>
[UnsupportedOSPlatform("windows")]
internal sealed partial class TopScreen : IDisposable
{
    // The other screen, no cursor, and what is too long is cut instead of wrapped; and back, with the keys as they are usually,
    // which reading them changes.
    private const string Enter = "\e[?1049h\e[?25l\e[?7l";
    private const string Leave = "\e[?1l\e>\e[?7h\e[?25h\e[?1049l";

    private const int StopSignal = 19;
    private const int KeysMax = 16;
    private const int DefaultWidth = 80;
    private const int DefaultHeight = 24;

    private readonly Lock _lock = new();
    private readonly TextWriter _output;
    private readonly Channel<ConsoleKeyInfo?> _keys = Channel.CreateBounded<ConsoleKeyInfo?>(
        new BoundedChannelOptions(KeysMax) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly PosixSignalRegistration[] _signals;
    private bool _isEntered;

    /// <summary>Takes the terminal.</summary>
    /// <param name="output">Standard output, which is a terminal.</param>
    public TopScreen(TextWriter output)
    {
        _output = output;
        Switch(enter: true);
        _signals =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => _keys.Writer.TryWrite(null)),
            PosixSignalRegistration.Create(PosixSignal.SIGTSTP, context =>
            {
                // Once it is caught nobody else stops the process.
                context.Cancel = true;
                Switch(enter: false);
                _ = Kill(Environment.ProcessId, StopSignal);
            }),
            PosixSignalRegistration.Create(PosixSignal.SIGCONT, _ =>
            {
                Switch(enter: true);
                _keys.Writer.TryWrite(null);
            }),
        ];

        // There is no other way to wait for a key; it ends with the process.
        if (!Console.IsInputRedirected)
            new Thread(ReadKeys) { IsBackground = true, Name = "keys" }.Start();
    }

    /// <summary>Keys as they are pressed; null: the picture is to be drawn again, perhaps in another size.</summary>
    public ChannelReader<ConsoleKeyInfo?> Keys => _keys.Reader;

    /// <summary>Lines that the terminal has now.</summary>
    public static int Height => Console.WindowHeight > 0 ? Console.WindowHeight : DefaultHeight;

    /// <summary>Characters of a line that it has now.</summary>
    public static int Width => Console.WindowWidth > 0 ? Console.WindowWidth : DefaultWidth;

    /// <summary>Shows a picture in place of the last one.</summary>
    /// <param name="lines">As many as fit; those that begin with <see cref="TopView.HeadingMark"/> are emphasized.</param>
    public void Draw(IEnumerable<string> lines)
    {
        IEnumerable<string> shown = lines.Take(Height).Select(line =>
            line.StartsWith(TopView.HeadingMark) ? $"\e[7m{line[1..].PadRight(Width)}\e[0m\e[K" : line + "\e[K");
        lock (_lock)
        {
            if (!_isEntered)
                return;
            _output.Write($"\e[H{string.Join('\n', shown)}\e[J");
            _output.Flush();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals)
            signal.Dispose();
        Switch(enter: false);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    private void Switch(bool enter)
    {
        lock (_lock)
        {
            if (_isEntered == enter)
                return;
            _isEntered = enter;
            _output.Write(enter ? Enter : Leave);
            _output.Flush();
        }
    }

    private void ReadKeys()
    {
        try
        {
            while (true)
                _keys.Writer.TryWrite(Console.ReadKey(intercept: true));
        }
        catch (Exception e) when (e is InvalidOperationException or IOException)
        {
            // The terminal has gone; the signal for that ends the process.
        }
    }
}
