using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Scheduler.Host.Api.Client;

namespace Scheduler.Host.Api;

/// <summary>A request to a running service could not be carried out. The message is one line for the operator.</summary>
/// <param name="message">What happened.</param>
internal sealed class AdminException(string message) : Exception(message);

/// <summary>Asks a running service at its admin address. All that is known of the API's routes is in here.</summary>
/// <remarks>Every method throws <see cref="AdminException"/> if the service can't be asked, or refuses.</remarks>
internal sealed class AdminClient : IDisposable
{
    /// <summary>Most items that one answer of the service has.</summary>
    private const int PageMax = 1000;

    // All entities there can be are far less; what is larger does not come from a scheduler.
    private const int AnswerBytesMax = 64 << 20;

    private static readonly TimeSpan s_timeMax = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_connectTimeMax = TimeSpan.FromSeconds(10);

    private readonly string _address;
    private readonly HttpClient _http;

    /// <param name="address"><c>http[s]://address[:port]</c> or <c>unix:path</c>, as in <c>scheduler.admin.listen</c>.</param>
    /// <param name="token">The admin token to show, if any.</param>
    /// <param name="caFile">For https: a PEM file of certificates, one of which has issued the service's. Null: those of the
    /// system.</param>
    /// <exception cref="AdminException">There is no such file, or no certificate in it.</exception>
    public AdminClient(string address, string? token = null, string? caFile = null)
    {
        // This machine is not asked through a proxy, and a token goes nowhere else than it was meant for.
        SocketsHttpHandler handler = new() { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = s_connectTimeMax };
        Uri uri = new("http://localhost");
        if (UnixPath(address) is { } path)
            handler.ConnectCallback = async (_, cancellation) => await ConnectAsync(path, cancellation);
        else
            uri = new Uri(address);
        if (caFile is not null)
            handler.SslOptions.CertificateChainPolicy = Trust(caFile);
        _address = address;
        _http = new HttpClient(handler) { BaseAddress = uri, Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = AnswerBytesMax };
        if (token is not null)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>Whether a text is an address that can be asked.</summary>
    /// <param name="address">The text.</param>
    public static bool IsAddress(string address) =>
        UnixPath(address) is { Length: > 0 }
        || (Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps));

    /// <summary>All entities of a kind, or all rings.</summary>
    /// <param name="path">Where the API has them.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>By name.</returns>
    public Task<IReadOnlyList<JsonElement>> ListAsync(string path, CancellationToken cancellation) =>
        PagesAsync($"/{path}", "after", after: null, int.MaxValue, cancellation);

    /// <summary>What was changed.</summary>
    /// <param name="count">Most changes wanted; from 1.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The newest first.</returns>
    public Task<IReadOnlyList<JsonElement>> HistoryAsync(int count, CancellationToken cancellation) =>
        PagesAsync("/history", "to", after: null, count, cancellation);

    /// <summary>One entity.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>Its fields.</returns>
    public async Task<JsonElement> GetAsync(EntityKind kind, string name, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, PathOf(kind, name), cancellation);
        return await ReadAsync(response, ClientJson.Default.JsonElement, cancellation);
    }

    /// <summary>Makes or changes an entity.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="name">Its name.</param>
    /// <param name="fields">What to set; what is not in here is left as it is, or gets its default.</param>
    /// <param name="revision">Only if this is its revision, 0 if it is not there yet; null: in any case.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>It, and whether it was made.</returns>
    public async Task<(JsonElement Entity, bool IsNew)> PutAsync(
        EntityKind kind, string name, JsonObject fields, long? revision, CancellationToken cancellation)
    {
        using HttpRequestMessage request = Request(HttpMethod.Put, PathOf(kind, name), revision);
        request.Content = new StringContent(fields.ToJsonString(), Encoding.UTF8, "application/json");

        // The space of a disk may have to be zeroed first; who gives up the wait gives up the disk.
        using HttpResponseMessage response = await SendAsync(request, cancellation, kind == EntityKind.Disk ? Timeout.InfiniteTimeSpan : s_timeMax);
        return (await ReadAsync(response, ClientJson.Default.JsonElement, cancellation), response.StatusCode == System.Net.HttpStatusCode.Created);
    }

    /// <summary>Deletes an entity.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="name">Its name.</param>
    /// <param name="revision">Only if this is its revision; null: in any case.</param>
    /// <param name="open">Of an identity: also if it is the last one.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task DeleteAsync(EntityKind kind, string name, long? revision, bool open, CancellationToken cancellation)
    {
        using HttpRequestMessage request = Request(HttpMethod.Delete, PathOf(kind, name) + (open ? "?open=true" : ""), revision);
        using HttpResponseMessage response = await SendAsync(request, cancellation, s_timeMax);
    }

    /// <summary>Closes all rings of a disk.</summary>
    /// <param name="disk">Name of the disk.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>How many there were.</returns>
    public async Task<JsonElement> DetachAsync(string disk, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Post, PathOf(EntityKind.Disk, disk) + "/detach", cancellation);
        return await ReadAsync(response, ClientJson.Default.JsonElement, cancellation);
    }

    /// <summary>Closes one ring.</summary>
    /// <param name="id">As the list of rings has it.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task CloseRingAsync(string id, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Delete, $"/rings/{Uri.EscapeDataString(id)}", cancellation);
    }

    /// <summary>Who the client is to the service.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<JsonElement> WhoAmIAsync(CancellationToken cancellation)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, "/whoami", cancellation);
        return await ReadAsync(response, ClientJson.Default.JsonElement, cancellation);
    }

    /// <summary>Has the service read all volume groups anew.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>What became of it.</returns>
    public async Task<JsonElement> RescanAsync(CancellationToken cancellation)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Post, "/rescan", cancellation);
        return await ReadAsync(response, ClientJson.Default.JsonElement, cancellation);
    }

    /// <summary>What the service does now, and has done since it started.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<Stats> StatsAsync(CancellationToken cancellation)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, "/stats", cancellation);
        return await ReadAsync(response, ClientJson.Default.Stats, cancellation);
    }

    /// <summary>The faults of the service.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>All of them.</returns>
    public async Task<IReadOnlyList<FaultItem>> FaultsAsync(CancellationToken cancellation)
    {
        using HttpResponseMessage response = await SendAsync(HttpMethod.Get, "/faults", cancellation);
        return (await ReadAsync(response, ApiJson.Default.FaultList, cancellation)).Faults;
    }

    /// <summary>What happened to a volume's faults.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="count">Most events wanted; from 1.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The newest first.</returns>
    public Task<IReadOnlyList<JsonElement>> FaultHistoryAsync(string volume, int count, CancellationToken cancellation) =>
        PagesAsync($"/faults/{Uri.EscapeDataString(volume)}/history", "to", after: null, count, cancellation);

    /// <summary>Clears a fault.</summary>
    /// <param name="volume">Name of the volume.</param>
    /// <param name="domain">Index of the flush domain.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task ClearFaultAsync(string volume, int domain, CancellationToken cancellation)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"/faults/{Uri.EscapeDataString(volume)}/{domain}");
        using HttpResponseMessage response = await SendAsync(HttpMethod.Delete, path, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static string? UnixPath(string address) =>
        address.StartsWith("unix:", StringComparison.Ordinal) ? address["unix:".Length..] : null;

    private static string PathOf(EntityKind kind, string name) => $"/{kind.Path}/{Uri.EscapeDataString(name)}";

    private static HttpRequestMessage Request(HttpMethod method, string path, long? revision = null)
    {
        HttpRequestMessage request = new(method, AdminApi.Prefix + path);
        if (revision == 0)
            request.Headers.IfNoneMatch.Add(EntityTagHeaderValue.Any);
        else if (revision is { } number)
            request.Headers.IfMatch.Add(new EntityTagHeaderValue(string.Create(CultureInfo.InvariantCulture, $"\"{number}\"")));
        return request;
    }

    private static X509ChainPolicy Trust(string file)
    {
        X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new AdminException($"--ca {file}: {e.Message}");
        }

        return policy.CustomTrustStore.Count > 0 ? policy : throw new AdminException($"--ca {file}: no certificate is in it; name a PEM file");
    }

    private static async Task<Stream> ConnectAsync(string path, CancellationToken cancellation)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // Asks for one part after the other, until there are enough.
    private async Task<IReadOnlyList<JsonElement>> PagesAsync(
        string path, string afterName, string? after, int count, CancellationToken cancellation)
    {
        List<JsonElement> items = [];
        do
        {
            string from = after is null ? "" : $"&{afterName}={Uri.EscapeDataString(after)}";
            string query = string.Create(CultureInfo.InvariantCulture, $"?limit={Math.Min(PageMax, count - items.Count)}");
            using HttpResponseMessage response = await SendAsync(HttpMethod.Get, path + query + from, cancellation);
            ItemPage page = await ReadAsync(response, ClientJson.Default.ItemPage, cancellation);
            items.AddRange(page.Items);

            // A list that does not go on would never end.
            string? next = page.Next is { ValueKind: not JsonValueKind.Null } value ? value.ToString() : null;
            if (next is not null && (next == after || page.Items.Count == 0))
                throw new AdminException($"{_address} is not a scheduler's admin address: its list {path} does not end");
            after = next;
        }
        while (after is not null && items.Count < count);
        return items;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, CancellationToken cancellation)
    {
        using HttpRequestMessage request = Request(method, path);
        return await SendAsync(request, cancellation, s_timeMax);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation, TimeSpan timeMax)
    {
        HttpResponseMessage response;
        using CancellationTokenSource time = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        time.CancelAfter(timeMax);
        try
        {
            response = await _http.SendAsync(request, time.Token);
        }
        catch (HttpRequestException e)
        {
            // What is wrong with a certificate is in the inner one.
            string reason = e.InnerException is System.Security.Authentication.AuthenticationException inner ? inner.Message : e.Message;
            throw new AdminException($"no service answers at {_address}: {reason}; name its scheduler.admin.listen with --admin");
        }
        catch (TaskCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new AdminException($"the service at {_address} does not answer within {s_timeMax.TotalSeconds} s; it may still do what was asked");
        }

        if (response.IsSuccessStatusCode)
            return response;
        using (response)
        {
            bool isProblem = response.Content.Headers.ContentType?.MediaType == "application/problem+json";
            Problem? problem = isProblem ? await ReadAsync(response, ApiJson.Default.Problem, cancellation) : null;
            throw new AdminException(problem?.Detail ?? problem?.Title ?? $"{_address} answers with HTTP status {(int)response.StatusCode}");
        }
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        try
        {
            return await response.Content.ReadFromJsonAsync(type, cancellation) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new AdminException($"{_address} is not a scheduler's admin address: {e.Message}");
        }
    }
}
